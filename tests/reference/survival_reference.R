# Writes survival_*.csv and survival_reference.json. Run in this folder: Rscript survival_reference.R
# Made with R 4.2.2, survival 3.5-3, jsonlite (Debian 12); the versions are in the JSON.
#
# The data are the classic sets that R's survival package ships: lung (Loprinzi et al. 1994, with
# complete rows of the columns used), veteran (Kalbfleisch & Prentice 1980), ovarian (Edmunson et
# al. 1979), rats (Mantel et al. 1977; clusters are litters), bladder (Wei, Lin & Weissfeld 1989;
# clusters are patients), aml (Miller 1997). Status is 1 for an event.
suppressMessages({library(survival); library(jsonlite)})

lung <- with(survival::lung, data.frame(time, status = status - 1, sex, age, ecog = ph.ecog, inst))
lung <- lung[complete.cases(lung), ]
veteran <- with(survival::veteran, data.frame(time, status, trt, cell = as.integer(celltype), karno, age))
ovarian <- with(survival::ovarian, data.frame(time = futime, status = fustat, rx, age, resid = resid.ds))
rats <- with(survival::rats, data.frame(time, status, rx, litter, female = as.integer(sex == "f")))
bladder <- with(survival::bladder, data.frame(time = stop, status = event, rx, number, size, enum, id))
aml <- with(survival::aml, data.frame(time, status, maintained = as.integer(x == "Maintained")))
sets <- list(lung = lung, veteran = veteran, ovarian = ovarian, rats = rats, bladder = bladder, aml = aml)
for (name in names(sets)) write.csv(sets[[name]], paste0("survival_", name, ".csv"), row.names = FALSE, quote = FALSE)

# Counts and standard errors do not depend on the type of limits: they are stored once.
curve <- function(fit, counted = TRUE) {
  s <- summary(fit, censored = TRUE)
  q <- quantile(fit, c(0.1, 0.25, 0.5, 0.75, 0.9))
  counts <- list(time = s$time, n_risk = s$n.risk, n_event = s$n.event, n_censor = fit$n.censor,
                 surv = s$surv, se = s$std.err)
  c(if (counted) counts, list(lower = s$lower, upper = s$upper,
       probs = c(0.1, 0.25, 0.5, 0.75, 0.9), quantile = unname(q$quantile),
       q_lower = unname(q$lower), q_upper = unname(q$upper)))
}
types <- c(log_log = "log-log", log = "log", plain = "plain")
curves <- list()
for (name in c("lung", "veteran", "ovarian", "aml", "rats"))
  for (type in names(types)) for (level in if (type == "log_log") c(0.95, 0.8) else 0.95)
    curves[[paste(name, type, level, sep = "|")]] <-
      curve(survfit(Surv(time, status) ~ 1, sets[[name]], conf.type = types[[type]], conf.int = level),
            counted = type == "log_log" && level == 0.95)
cluster_of <- c(lung = "inst", rats = "litter", bladder = "id")
for (name in names(cluster_of)) for (type in names(types)) {
  d <- sets[[name]]; d$cl <- d[[cluster_of[[name]]]]
  curves[[paste(name, type, 0.95, cluster_of[[name]], sep = "|")]] <-
    curve(survfit(Surv(time, status) ~ 1, d, cluster = cl, robust = TRUE, conf.type = types[[type]]),
          counted = type == "log_log")
}
few <- data.frame(time = c(1, 2, 3, 4, 5), status = c(1, 1, 0, 1, 1), cl = c(1, 1, 2, 2, 3))
curves[["few|log_log|0.95"]] <- curve(survfit(Surv(time, status) ~ 1, few, conf.type = "log-log"))
curves[["few|log_log|0.95|cl"]] <- curve(survfit(Surv(time, status) ~ 1, few, cluster = cl, robust = TRUE, conf.type = "log-log"))
curves[["few|log|0.95"]] <- curve(survfit(Surv(time, status) ~ 1, few, conf.type = "log"))
curves[["few|plain|0.95"]] <- curve(survfit(Surv(time, status) ~ 1, few, conf.type = "plain"))

# Restricted means: print(survfit, rmean=) for Greenwood, AUC residuals summed per cluster, and a
# jackknife that literally leaves clusters out.
rmean <- function(d, horizon) {
  m <- survival:::survmean(survfit(Surv(time, status) ~ 1, d), rmean = horizon)$matrix
  unname(m[c("rmean", "se(rmean)")])
}
means <- list()
for (case in list(list("lung", 365, "inst"), list("lung", 500, "inst"), list("rats", 90, "litter"),
                  list("rats", 100.5, "litter"), list("bladder", 30, "id"), list("veteran", 200, NA),
                  list("aml", 48, NA), list("ovarian", 700, NA))) {
  d <- sets[[case[[1]]]]; h <- case[[2]]; cl <- case[[3]]
  g <- rmean(d, h)
  out <- list(data = case[[1]], horizon = h, cluster = cl, rmean = g[1], se = g[2])
  if (!is.na(cl)) {
    d$cl <- d[[cl]]
    r <- residuals(survfit(Surv(time, status) ~ 1, d), times = h, type = "rmst")
    out$infinitesimal <- sqrt(sum(rowsum(as.vector(r), d$cl)^2))
    left <- sapply(unique(d$cl), function(k) rmean(d[d$cl != k, ], h)[1])
    out$jackknife <- sqrt((length(left) - 1) / length(left) * sum((left - g[1])^2))
  }
  means[[length(means) + 1]] <- out
}

test <- function(fit) list(n = as.vector(fit$n), obs = rowSums(as.matrix(fit$obs)),
  exp = rowSums(as.matrix(fit$exp)), chisq = fit$chisq, p = fit$pvalue)
S <- function(d) Surv(d$time, d$status)
logranks <- list(
  lung_sex = test(survdiff(Surv(time, status) ~ sex, lung)),
  lung_sex_strata_inst = test(survdiff(Surv(time, status) ~ sex + strata(inst), lung)),
  lung_ecog = test(survdiff(Surv(time, status) ~ ecog, lung)),
  veteran_cell = test(survdiff(Surv(time, status) ~ cell, veteran)),
  veteran_trt_strata_cell = test(survdiff(Surv(time, status) ~ trt + strata(cell), veteran)),
  aml_maintained = test(survdiff(Surv(time, status) ~ maintained, aml)),
  ovarian_rx = test(survdiff(Surv(time, status) ~ rx, ovarian)),
  rats_rx_strata_female = test(survdiff(Surv(time, status) ~ rx + strata(female), rats)))

tight <- coxph.control(eps = 1e-13, toler.chol = 1e-15, iter.max = 60)
cases <- list(
  lung = list("lung", "sex + age + ecog", NA, "inst"),
  lung_strata = list("lung", "sex + age", "inst", NA),
  veteran = list("veteran", "trt + karno + age", "cell", NA),
  ovarian = list("ovarian", "rx + age + resid", NA, NA),
  rats = list("rats", "rx + female", NA, "litter"),
  rats_strata = list("rats", "rx", "female", "litter"),
  bladder = list("bladder", "rx + number + size", "enum", "id"),
  aml = list("aml", "maintained", NA, NA))
coxes <- list()
for (name in names(cases)) for (ties in c("efron", "breslow")) {
  k <- cases[[name]]; d <- sets[[k[[1]]]]
  terms <- strsplit(k[[2]], " + ", fixed = TRUE)[[1]]
  text <- paste("Surv(time, status) ~", k[[2]], if (!is.na(k[[3]])) paste0("+ strata(", k[[3]], ")") else "")
  fit <- coxph(as.formula(text), d, ties = ties, control = tight)
  out <- list(data = k[[1]], terms = I(terms), strata = k[[3]], cluster = k[[4]], ties = ties,
    coef = I(unname(coef(fit))), se = I(unname(sqrt(diag(vcov(fit))))), loglik = fit$loglik,
    score = fit$score, wald = unname(fit$wald.test), p = I(unname(summary(fit)$coefficients[, "Pr(>|z|)"])),
    lower = I(unname(summary(fit)$conf.int[, "lower .95"])), upper = I(unname(summary(fit)$conf.int[, "upper .95"])),
    martingale = if (ties == "efron" || name == "aml") unname(residuals(fit)))
  for (tr in c("identity", "km")) {
    z <- cox.zph(fit, transform = tr)$table
    out[[paste0("zph_", tr)]] <- list(chisq = unname(z[, "chisq"]), p = unname(z[, "p"]))
  }
  if (!is.na(k[[4]])) {
    d$cl <- d[[k[[4]]]]
    robust <- coxph(as.formula(text), d, ties = ties, cluster = cl, control = tight)
    out$robust_vcov <- unname(vcov(robust)); out$robust_wald <- unname(robust$wald.test)
    left <- sapply(unique(d$cl), function(j)
      coef(coxph(as.formula(text), d[d$cl != j, ], ties = ties, control = tight)))
    left <- matrix(left, nrow = length(terms))
    out$jackknife <- I(sqrt((ncol(left) - 1) / ncol(left) * rowSums((left - coef(fit))^2)))
  }
  coxes[[paste(name, ties, sep = "|")]] <- out
}
versions <- list(R = sessionInfo()$R.version$version.string, survival = as.character(packageVersion("survival")),
                 jsonlite = as.character(packageVersion("jsonlite")))
write_json(list(versions = versions, curves = curves, means = means, logranks = logranks, cox = coxes),
           "survival_reference.json", digits = I(11), auto_unbox = TRUE, na = "null")
