# Writes quantile_*.csv and quantile_reference.json. Run in this folder: Rscript quantile_reference.R
# Made with R 4.2.2, quantreg 5.94, survey 4.1-1, jsonlite 1.8.4 (Debian 12).
#
# quantile_engel.csv: food expenditure and income of 235 Belgian households, from quantreg (Engel's
# data of 1857, after Koenker & Bassett 1982).
# quantile_stackloss.csv: Brownlee's stack loss data, from R's datasets.
# quantile_times.csv: simulated below; two groups of 12 and 15 clusters with 8 to 20 times each.
suppressMessages({library(quantreg); library(survey); library(jsonlite)})
out <- list()

fits <- function(formula, data) {
  lapply(c(.05, .1, .25, .5, .75, .9, .95), function(tau) {
    unique <- TRUE
    fit <- withCallingHandlers(rq(formula, tau, data, method = "br"), warning = function(w) {
      unique <<- FALSE
      invokeRestart("muffleWarning")
    })
    list(quantile = tau, coefficients = unname(coef(fit)), objective = fit$rho, unique = unique)
  })
}

data(engel)
write.csv(engel, "quantile_engel.csv", row.names = FALSE, quote = FALSE)
write.csv(stackloss, "quantile_stackloss.csv", row.names = FALSE, quote = FALSE)
out$engel <- fits(foodexp ~ income, engel)
out$stackloss <- fits(stack.loss ~ Air.Flow + Water.Temp + Acid.Conc., stackloss)

set.seed(20260318)
size <- sample(8:20, 27, replace = TRUE)
times <- data.frame(cluster = rep(1:27, size))
times$new <- as.integer(times$cluster <= 12)
times$age <- round(rnorm(nrow(times), 50, 15))
times$seconds <- round(exp(4 + 0.15 * times$new + 0.006 * (times$age - 50) + rnorm(27, sd = 0.2)[times$cluster] +
  rnorm(nrow(times), sd = 0.5)), 2)
write.csv(times, "quantile_times.csv", row.names = FALSE, quote = FALSE)
out$times_groups <- fits(seconds ~ new, times)
out$times_age <- fits(seconds ~ new + age, times)

# Given multipliers of the clusters, so that a draw can be compared number by number.
x <- cbind(1, times$new, times$age)
pairs_weights <- sapply(1:6, function(i) tabulate(sample(27, 27, replace = TRUE), 27))
golden <- c(-(sqrt(5) - 1) / 2, (sqrt(5) + 1) / 2)
wild <- matrix(sample(golden, 27 * 6, TRUE, c(golden[2], -golden[1]) / sqrt(5)), 27)
out$pairs <- list(multipliers = t(pairs_weights))
out$wild <- list(multipliers = t(wild))
for (tau in c(.25, .4, .9)) {
  key <- sub("0.", "q", format(tau), fixed = TRUE)
  out$pairs[[key]] <- t(apply(pairs_weights, 2, function(w)
    rq.wfit(x, times$seconds, tau, weights = w[times$cluster], method = "br")$coefficients))
  # boot.rq takes 1(r < 0) also at the points the fit passes through; here their dual values, with
  # which the gradient is exactly 0.
  psi <- rq.fit.br(x, times$seconds, tau)$dual - (1 - tau)
  out$wild[[key]] <- quantreg:::boot.rq.pwy(t(x) %*% (-psi * wild[times$cluster, ]), x, times$seconds, tau)
}
out$wild_se <- t(sapply(c(.25, .5, .75), function(tau) {
  set.seed(1)
  apply(boot.rq(x, times$seconds, tau, R = 4000, bsmethod = "cluster", cluster = times$cluster)$B, 2, sd)
}))
design <- svydesign(~cluster, strata = ~new, data = times, weights = ~1, nest = TRUE)

# One group with clusters, 180 times, so that the shares below the quantiles are exact.
one <- times[times$new == 0, ][1:180, ]
stopifnot(!any(duplicated(sort(one$seconds)[c(44:46, 89:91, 161:163)])))
clusters <- svydesign(~cluster, data = one, weights = ~1)
jackknife <- as.svrepdesign(clusters, type = "JK1", mse = TRUE)
mean_jackknife <- svymean(~seconds, jackknife)
out$mean <- list(rows = 180, mean = unname(coef(mean_jackknife)), se = as.numeric(SE(mean_jackknife)),
                 linearised_se = as.numeric(SE(svymean(~seconds, clusters))),
                 ci = as.numeric(confint(mean_jackknife, df = degf(clusters))))
taus <- c(.25, .5, .9)
found <- svyquantile(~seconds, clusters, taus, interval.type = "xlogit", qrule = "math", ci = TRUE)$seconds
out$woodruff <- lapply(1:3, function(i)
  list(quantile = taus[i], value = found[i, 1], lower = found[i, 2], upper = found[i, 3]))
means <- summary(aov(log(seconds) ~ factor(cluster), one))[[1]]
n0 <- (180 - sum(table(one$cluster)^2) / 180) / means[1, "Df"]
between <- means[1, "Mean Sq"]; within <- means[2, "Mean Sq"]
out$anova <- list(between = between, within = within, f = means[1, "F value"],
                  icc = (between - within) / (between + (n0 - 1) * within))

# Bootstrap of Rao & Wu in each group, as a Monte-Carlo reference of standard errors.
set.seed(2)
replicates <- as.svrepdesign(design, type = "subbootstrap", replicates = 4000)
out$subbootstrap_se <- sapply(c(.25, .5, .75), function(tau) {
  w <- weights(replicates, "analysis")
  sd(apply(w, 2, function(v) coef(rq(seconds ~ new, tau, times[v > 0, ], weights = v[v > 0]))[2]))
})
write_json(out, "quantile_reference.json", digits = 15, auto_unbox = TRUE, pretty = FALSE)
