# Writes survey_regression_reference.json. Run in this folder: Rscript survey_regression_reference.R
# Made with R 4.2.2 and survey 4.1.1 (Debian 12). Data: survey_apistrat.csv and survey_apiclus1.csv,
# the api samples of that package (Lumley 2004).
#
# The defaults stop too early for a comparison of all digits. glm runs until its deviance stands
# still, because svyglm takes the information from the last iteration but one. svyolr maximises
# with BFGS, which cannot do better than 1e-8 in the coefficients: the solution is polished with
# Newton on the gradient, and svyolr then evaluates it (no iteration), with smaller steps for its
# numerical Hessian: 2e-7 for slopes (of percentages) and 1e-5 for thresholds, in place of 1e-3.
suppressMessages({library(survey); library(jsonlite)})

strat <- read.csv("survey_apistrat.csv", stringsAsFactors = TRUE)
clus1 <- read.csv("survey_apiclus1.csv", stringsAsFactors = TRUE)
prepare <- function(d) {
  d$wide <- as.numeric(d$sch.wide == "Yes")
  d$elementary <- as.numeric(d$stype == "E")
  d$large <- d$enroll > 400
  d$moving <- cut(d$mobility, c(-1, 10, 15, 25, 1000), labels = 0:3, ordered_result = TRUE)
  d
}
strat <- prepare(strat)
clus1 <- prepare(clus1)
designs <- list(
  strat = svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat),
  strat_nofpc = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = strat),
  clus1 = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = clus1),
  clus1_nofpc = svydesign(id = ~dnum, weights = ~pw, data = clus1))
designs$calibrated <- calibrate(designs$clus1, ~stype + api99,
  c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069), calfun = "linear")
subsets <- list(strat_domain = subset(designs$strat, large),
                clus1_domain = subset(designs$clus1, stype == "E"),
                calibrated_domain = subset(designs$calibrated, stype == "E"))
all_designs <- c(designs, subsets)

plain <- function(m) list(coefficients = unname(coef(m)), covariance = unname(as.matrix(vcov(m))),
                          df = m$df.residual, n = sum(weights(m$survey.design) > 0))
control <- glm.control(epsilon = 1e-30, maxit = 100)
out <- list(versions = list(R = as.character(getRversion()),
                            survey = as.character(packageVersion("survey"))))

out$linear <- lapply(all_designs, function(d)
  plain(svyglm(api00 ~ ell + meals + mobility, d, control = control)))
out$logit <- lapply(all_designs, function(d)
  plain(svyglm(wide ~ ell + meals, d, family = quasibinomial(), control = control)))

# svyolr, see above. Parameters: coefficients, first threshold, logarithms of the steps.
ordered_fit <- function(d) {
  rough <- svyolr(moving ~ ell + meals, d, control = list(reltol = 1e-16, maxit = 1000))
  x <- as.matrix(model.frame(d)[, c("ell", "meals")])
  y <- as.integer(model.frame(d)$moving)
  w <- weights(d)
  gradient <- function(b) {
    zeta <- c(-Inf, cumsum(c(b[3], exp(b[4:5]))), Inf)
    eta <- drop(x %*% b[1:2])
    up <- zeta[y + 1] - eta
    low <- zeta[y] - eta
    pr <- plogis(up) - plogis(low)
    to_zeta <- sapply(1:3, function(k)
      sum(w * ((y == k) * dlogis(up) - (y == k + 1) * dlogis(low)) / pr))
    c(colSums(-x * w * (dlogis(up) - dlogis(low)) / pr),
      sum(to_zeta), sum(to_zeta[2:3]) * exp(b[4]), to_zeta[3] * exp(b[5]))
  }
  at <- unname(c(rough$coefficients, rough$zeta[1], log(diff(rough$zeta))))
  for (round in 1:6) {
    h <- 1e-5
    slope <- sapply(1:5, function(j) {
      e <- replace(numeric(5), j, h)
      (gradient(at + e) - gradient(at - e)) / (2 * h)
    })
    at <- at - solve(slope, gradient(at))
  }
  svyolr(moving ~ ell + meals, d, start = at, control = list(maxit = 0, ndeps = rep(c(2e-7, 1e-5), c(2, 3))))
}
ordered_out <- function(d) {
  m <- ordered_fit(d)
  list(coefficients = unname(m$coefficients), thresholds = unname(m$zeta),
       covariance = unname(m$var), df = m$df.residual, n = sum(weights(d) > 0),
       fitted_first = unname(m$fitted.values[1, ]))
}
out$ordered <- lapply(all_designs, ordered_out)

# Wald tests of several terms.
test <- function(m, terms) {
  r <- regTermTest(m, terms, method = "Wald")
  list(statistic = as.numeric(r$Ftest), df_numerator = r$df, df = r$ddf, p_value = as.numeric(r$p))
}
linear <- svyglm(api00 ~ ell + meals + mobility, designs$strat, control = control)
linear1 <- svyglm(api00 ~ ell + meals + mobility, designs$clus1, control = control)
logit <- svyglm(wide ~ ell + meals, designs$clus1, family = quasibinomial(), control = control)
d <- designs$strat  # regTermTest looks up the design of svyolr by the name it had there
out$wald <- list(linear_strat = test(linear, ~ell + mobility), linear_clus1 = test(linear1, ~ell + mobility),
                 logit_clus1 = test(logit, ~ell + meals), logit_clus1_one = test(logit, ~meals),
                 ordered_strat = test(ordered_fit(designs$strat), ~ell + meals))

# Odds ratios.
interval <- exp(confint(logit, level = 0.9))
out$odds <- list(estimate = unname(exp(coef(logit))), ci_lower = unname(interval[, 1]),
                 ci_upper = unname(interval[, 2]), level = 0.9)

# Mean difference in predicted probability. svypredmeans keeps the part of its variance that comes
# from the coefficients ("fixed"); for all of it the linear approximation is totalled by svytotal.
marginal <- function(d) {
  m <- svyglm(wide ~ ell + meals + elementary, d, family = quasibinomial(), control = control)
  base <- svyglm(wide ~ ell + meals, d, family = quasibinomial(), control = control)
  margins <- svypredmeans(base, ~elementary)
  k <- ifelse(names(coef(margins)) == "1", 1, -1)
  x <- model.matrix(m)
  w <- weights(d)
  one <- zero <- x
  one[, 4] <- 1
  zero[, 4] <- 0
  b <- coef(m)
  p1 <- plogis(drop(one %*% b))
  p0 <- plogis(drop(zero %*% b))
  slope <- colSums(w * (one * p1 * (1 - p1) - zero * p0 * (1 - p0))) / sum(w)
  p <- plogis(drop(x %*% b))
  bread <- solve(crossprod(x, x * (w * p * (1 - p))))
  z <- drop((x * (x[, 1] * (m$y - p))) %*% bread %*% slope) +
    (p1 - p0 - sum(w * (p1 - p0)) / sum(w)) / sum(w)
  list(estimate = sum(k * coef(margins)),
       fixed = sqrt(drop(t(k) %*% attr(attr(margins, "var"), "parts")[[1]] %*% k)),
       sampled = as.numeric(SE(svytotal(~z, update(d, z = z)))))
}
out$marginal <- lapply(designs[c("strat", "clus1", "clus1_nofpc")], marginal)

write(toJSON(out, digits = I(16), auto_unbox = TRUE, matrix = "rowmajor"), "survey_regression_reference.json")
