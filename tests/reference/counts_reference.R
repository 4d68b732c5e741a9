# Makes counts_reference.csv: coefficient, standard error and other figures of count models.
# Data: Crowder's (1978) 21 plates of germinating seeds, as published; counts_panel.csv (invented,
# see counts_panel.py); quine, the days absent from school of Aitkin (1978), from MASS.
# Run in this folder: Rscript counts_reference.R
suppressPackageStartupMessages({ library(MASS); library(VGAM); library(glmmTMB) })

rows <- list()
put <- function(model, name, value) {
  rows[[length(rows) + 1]] <<- data.frame(model, name, value = sprintf("%.12g", value))
}
put_table <- function(model, b, se, names) for (i in seq_along(names)) {
  put(model, paste0("b:", names[i]), b[[i]]); put(model, paste0("se:", names[i]), se[[i]])
}
pearson <- function(fit) sum(residuals(fit, "pearson")^2) / df.residual(fit)
tight <- glm.control(epsilon = 1e-14, maxit = 100)

seeds <- data.frame(
  r = c(10,23,23,26,17,5,53,55,32,46,10,8,10,8,23,0,3,22,15,32,3),
  n = c(39,62,81,51,39,6,74,72,51,79,13,16,30,28,45,4,12,41,30,51,7),
  seed = rep(0:1, c(11, 10)), extract = c(rep(0:1, c(5, 6)), rep(0:1, c(5, 5))))
terms <- c("constant", "seed", "extract", "both")
fit <- glm(cbind(r, n - r) ~ seed * extract, quasibinomial, seeds, control = tight)
put_table("seeds quasi_binomial", coef(fit), sqrt(diag(vcov(fit))), terms)
put("seeds quasi_binomial", "dispersion", summary(fit)$dispersion)
for (i in 1:4) put("seeds quasi_binomial", paste0("p:", terms[i]), summary(fit)$coefficients[i, 4])
fit <- vglm(cbind(r, n - r) ~ seed * extract, VGAM::betabinomial(zero = 2), seeds,
            control = vglm.control(epsilon = 1e-13, maxit = 200))
for (i in 1:4) put("seeds beta_binomial VGAM", paste0("b:", terms[i]), coef(fit)[c(1, 3:5)][[i]])
put("seeds beta_binomial VGAM", "rho", plogis(coef(fit)[2]))
put("seeds beta_binomial VGAM", "log_likelihood", logLik(fit))
control <- glmmTMBControl(optCtrl = list(rel.tol = 1e-15, x.tol = 1e-12, iter.max = 2000, eval.max = 4000))
beta <- function(model, formula, data, keep, names) {
  fit <- suppressWarnings(glmmTMB(formula, data, family = glmmTMB::betabinomial(), control = control))
  b <- fixef(fit)$cond; se <- sqrt(diag(vcov(fit)$cond))
  put_table(model, b[keep], se[keep], names)
  put(model, "rho", 1 / (1 + sigma(fit)))
  put(model, "log_likelihood", as.numeric(logLik(fit)))
}
beta("seeds beta_binomial", cbind(r, n - r) ~ seed * extract, seeds, 1:4, terms)

panel <- read.csv("counts_panel.csv", comment.char = "#")
panel <- panel[ave(panel$count, panel$municipality, FUN = sum) > 0, ]
effects <- ~ new_ballot + factor(municipality) + factor(election)
did <- function(model, fit, dispersion = pearson(fit)) {
  put_table(model, coef(fit)["new_ballot"], sqrt(diag(vcov(fit)))["new_ballot"], "new_ballot")
  put(model, "dispersion", dispersion)
}
did("panel quasi_binomial",
    glm(update(effects, cbind(count, total - count) ~ .), quasibinomial, panel, control = tight))
did("panel quasi_poisson",
    glm(update(effects, count ~ . + offset(log(total))), quasipoisson, panel, control = tight))
fit <- glm(update(effects, count ~ . + offset(log(total))), poisson, panel, control = tight)
did("panel poisson", fit); put("panel poisson", "log_likelihood", as.numeric(logLik(fit)))
nb <- function(model, fit) {
  # glm.nb itself stops looking for theta early.
  theta <- theta.ml(fit$y, fitted(fit), limit = 200, eps = 1e-12)
  put(model, "alpha", 1 / as.numeric(theta)); put(model, "alpha_se", attr(theta, "SE") / as.numeric(theta)^2)
  put(model, "log_likelihood", as.numeric(logLik(fit)))
}
slow <- glm.control(epsilon = 1e-12, maxit = 500)
fit <- glm.nb(update(effects, count ~ . + offset(log(total))), panel, control = slow)
did("panel negative_binomial", fit); nb("panel negative_binomial", fit)
beta("panel beta_binomial", update(effects, cbind(count, total - count) ~ .), panel, 2, "new_ballot")

write.csv(data.frame(sex = as.integer(quine$Sex == "M"), aboriginal = as.integer(quine$Eth == "A"),
  slow = as.integer(quine$Lrn == "SL"), days = quine$Days), "counts_quine.csv", row.names = FALSE, quote = FALSE)
fit <- glm.nb(Days ~ I(Sex == "M") + I(Eth == "A") + I(Lrn == "SL"), quine, control = slow)
put_table("quine negative_binomial", coef(fit), sqrt(diag(vcov(fit))), c("constant", "sex", "aboriginal", "slow"))
nb("quine negative_binomial", fit)

version <- function(p) paste(p, as.character(packageVersion(p)))
out <- file("counts_reference.csv", "w")
writeLines(paste0("# Made by counts_reference.R with ", R.version.string, ", ",
                  paste(sapply(c("MASS", "VGAM", "glmmTMB"), version), collapse = ", "), "."), out)
write.csv(do.call(rbind, rows), out, row.names = FALSE, quote = FALSE)
close(out)
