# Writes mixed_*.csv and mixed_reference.json. Run in this folder: Rscript mixed_reference.R
# Made with R 4.2.2, lme4 1.1-31, lmerTest 3.1-3, pbkrtest 0.5.2 (Debian 12).
#
# Data sets as shipped with lme4 (GPL >= 2; all published before): sleepstudy (Belenky et al. 2003),
# Dyestuff and Dyestuff2 (Davies & Goldsmith 1972; Box & Tiao 1973), Pastes (Davies & Goldsmith
# 1972), cake (Cook 1938), and ergoStool (Wretenby, Arborelius & Lindberg 1993) from nlme.
# mixed_times.csv: simulated below; 1 to 5 stations in each of 12 municipalities.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite)})

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-13, rhobeg = 0.2, maxfun = 1e5),
                     check.conv.singular = "ignore", calc.derivs = FALSE)

summary_of <- function(formula, data, kr = TRUE) {
  out <- list()
  for (reml in c(TRUE, FALSE)) {
    m <- lmerTest::lmer(formula, data = data, REML = reml, control = tight)
    s <- coef(summary(m, ddf = "Satterthwaite"))
    vc <- as.data.frame(VarCorr(m))
    part <- list(terms = rownames(s), estimate = unname(fixef(m)), se = unname(s[, "Std. Error"]),
                 df = unname(s[, "df"]), p = unname(s[, "Pr(>|t|)"]),
                 levels = vc$grp, variance = vc$vcov,
                 log_likelihood = as.numeric(logLik(m)),
                 singular = isSingular(m),
                 intercepts = lapply(ranef(m), function(r) list(label = rownames(r), value = r[[1]])),
                 fitted_head = unname(head(fitted(m), 5)))
    if (reml && kr) {
      adjusted <- as.matrix(vcovAdj(m))
      p <- length(fixef(m))
      part$kr_se <- unname(sqrt(diag(adjusted)))
      part$kr_df <- sapply(seq_len(p), function(i) get_Lb_ddf(m, as.numeric(seq_len(p) == i)))
    }
    out[[if (reml) "reml" else "ml"]] <- part
  }
  out
}

store <- function(data, name) write.csv(data, paste0("mixed_", name, ".csv"), row.names = FALSE, quote = FALSE)

out <- list()
store(sleepstudy, "sleepstudy")
out$sleepstudy <- summary_of(Reaction ~ Days + (1 | Subject), sleepstudy)
store(Dyestuff, "dyestuff")
out$dyestuff <- summary_of(Yield ~ 1 + (1 | Batch), Dyestuff)
store(Dyestuff2, "dyestuff2")
out$dyestuff2 <- summary_of(Yield ~ 1 + (1 | Batch), Dyestuff2)
store(Pastes, "pastes")
out$pastes <- summary_of(strength ~ 1 + (1 | batch) + (1 | sample), Pastes)
data(ergoStool, package = "nlme")
ergo <- data.frame(effort = ergoStool$effort, type = as.character(ergoStool$Type), subject = as.character(ergoStool$Subject))
store(ergo, "ergostool")
out$ergostool <- summary_of(effort ~ type + (1 | subject), ergo)
cakes <- data.frame(angle = cake$angle, temp = cake$temp, recipe = cake$recipe, replicate = cake$replicate)
cakes$mix <- paste0(cakes$recipe, cakes$replicate)
store(cakes, "cake")
out$cake <- summary_of(angle ~ temp + recipe + (1 | mix), cakes)

# Voting times: 5 new and 7 old municipalities, 1 to 5 stations, 3 to 14 voters.
set.seed(20260318)
stations <- data.frame(municipality = rep(1:12, c(1, 3, 5, 2, 4, 3, 3, 2, 4, 1, 5, 2)))
stations$station <- sprintf("S%02d", seq_len(nrow(stations)))
stations$municipal <- rnorm(12, sd = 0.25)[stations$municipality]
stations$shock <- rnorm(nrow(stations), sd = 0.15)
voters <- stations[rep(seq_len(nrow(stations)), sample(3:14, nrow(stations), replace = TRUE)), ]
voters$experiment <- as.integer(voters$municipality <= 5)
voters$assisted <- rbinom(nrow(voters), 1, 0.15)
voters$seconds <- round(exp(4 + log(0.85) * voters$experiment + 0.4 * voters$assisted + voters$shock +
  voters$municipal + rnorm(nrow(voters), sd = 0.45)), 1)
# The same without what municipalities share: their variance is then estimated as 0.
voters$even <- round(voters$seconds * exp(-1.15 * voters$municipal), 1)
voters$municipality <- sprintf("M%02d", voters$municipality)
voters <- voters[sample(nrow(voters)), c("municipality", "station", "experiment", "assisted", "seconds", "even")]
store(voters, "times")
out$times_station <- summary_of(log(seconds) ~ experiment + assisted + (1 | station), voters)
out$times_nested <- summary_of(log(seconds) ~ experiment + assisted + (1 | municipality) + (1 | station), voters)
out$even_nested <- summary_of(log(even) ~ experiment + assisted + (1 | municipality) + (1 | station), voters)
out$times_municipality <- summary_of(log(seconds) ~ experiment + assisted + (1 | municipality), voters)

out$versions <- list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                     lmerTest = as.character(packageVersion("lmerTest")),
                     pbkrtest = as.character(packageVersion("pbkrtest")))
write_json(out, "mixed_reference.json", digits = 15, auto_unbox = TRUE, pretty = TRUE)
