# Makes matching_units.csv, matching_pairs.csv and matching_reference.csv.
# Version: MatchIt 4.5.1 (Debian r-cran-matchit), R 4.2.2. Entropy balancing is done here in two
# ways that share nothing with the package's own: optim (BFGS) on Hainmueller's dual, and Newton's
# method on the estimating equations by finite differences.
# Usage, in this folder: Rscript matching_reference.R
suppressPackageStartupMessages(library(MatchIt))
set.seed(20260302)
n <- 150
role <- c(rep(1, 11), rep(0, n - 11))[sample(n)]
shift <- ifelse(role == 1, .5, 0)
units <- data.frame(role = role,
  log_size = round(rnorm(n, 10.3 + shift, .8), 4),
  turnout = round(pmin(pmax(rnorm(n, .78 - .02 * shift, .05), 0), 1), 4),
  share_older = round(rgamma(n, 20, 100) + .02 * shift, 4),
  invalid_rate = round(exp(rnorm(n, -6 + .3 * shift, .35)), 6))
write.csv(units, "matching_units.csv", row.names = FALSE)
x <- as.matrix(units[, -1])

pairs <- list()
out <- list()
note <- function(quantity, values) {
  values <- as.numeric(values)
  out[[length(out) + 1]] <<- data.frame(quantity = quantity, position = seq_along(values) - 1,
    value = ifelse(is.na(values), "nan", sprintf("%.15g", values)))
}
match_as <- function(name, ...) {
  m <- matchit(role ~ log_size + turnout + share_older + invalid_rate, data = units, ...)
  mm <- m$match.matrix
  for (i in seq_len(nrow(mm))) for (j in seq_len(ncol(mm))) if (!is.na(mm[i, j]))
    pairs[[length(pairs) + 1]] <<- data.frame(match = name, round = j - 1,
      experiment = as.integer(rownames(mm)[i]) - 1, control = as.integer(mm[i, j]) - 1)
  m
}
invisible(match_as("with_k1", distance = "mahalanobis", replace = TRUE))
invisible(match_as("with_k3", distance = "mahalanobis", replace = TRUE, ratio = 3))
invisible(match_as("without_k1", distance = "mahalanobis", m.order = "data"))
invisible(match_as("without_k3", distance = "mahalanobis", ratio = 3, m.order = "data"))
invisible(match_as("standardised_k2", distance = "scaled_euclidean", ratio = 2, m.order = "data"))
# One covariate: its caliper in raw units is a caliper on the standardised distance.
sd_within <- sqrt(sum((units$log_size - ave(units$log_size, units$role))^2) / (n - 2))
m <- matchit(role ~ log_size, data = units, distance = "scaled_euclidean", m.order = "data",
  caliper = c(log_size = .02 * sd_within), std.caliper = FALSE)
mm <- m$match.matrix
for (i in seq_len(nrow(mm))) if (!is.na(mm[i, 1]))
  pairs[[length(pairs) + 1]] <- data.frame(match = "caliper", round = 0,
    experiment = as.integer(rownames(mm)[i]) - 1, control = as.integer(mm[i, 1]) - 1)
for (d in c("mahalanobis", "scaled_euclidean")) {
  f <- if (d == "mahalanobis") mahalanobis_dist else scaled_euclidean_dist
  note(paste0("distance_", d), f(role ~ log_size + turnout + share_older + invalid_rate,
    data = units)[1, ])
}
# MatchIt standardises by the experiment units unless told otherwise.
for (by in c("treated", "control", "pooled")) {
  tested <- matchit(role ~ log_size + turnout + share_older + invalid_rate, data = units,
    distance = "mahalanobis", ratio = 3, m.order = "data", replace = TRUE)
  for (v in colnames(x)) {
    before <- MatchIt:::bal1var(units[[v]], role, NULL, rep(1, n), s.d.denom = by,
      standardize = TRUE, compute.pair.dist = FALSE)
    after <- MatchIt:::bal1var(units[[v]], role, tested$weights, rep(1, n), s.d.denom = by,
      standardize = TRUE, compute.pair.dist = FALSE)
    note(paste0("balance_", by, "_", v), c(before[1:4], after[1:4]))
  }
}

balance_by_optim <- function(z) {
  z <- scale(z)
  gaps <- sweep(z[role == 0, ], 2, colMeans(z[role == 1, , drop = FALSE]))
  dual <- function(l) { e <- drop(gaps %*% l); max(e) + log(mean(exp(e - max(e)))) }
  slope <- function(l) { e <- drop(gaps %*% l); w <- exp(e - max(e)); colSums(gaps * w) / sum(w) }
  l <- rep(0, ncol(gaps))
  for (i in 1:5) l <- optim(l, dual, slope, method = "BFGS",
    control = list(maxit = 5000, reltol = 1e-16))$par
  for (i in 1:20) {
    jacobian <- sapply(seq_along(l), function(j) {
      h <- replace(rep(0, length(l)), j, 1e-5)
      (slope(l + h) - slope(l - h)) / 2e-5
    })
    l <- l - solve(jacobian, slope(l))
  }
  stopifnot(max(abs(slope(l))) < 1e-12)
  w <- exp(drop(gaps %*% l))
  w / sum(w)
}
note("entropy_means", balance_by_optim(x))
note("entropy_variances", balance_by_optim(cbind(x, sweep(x, 2, colMeans(x))^2)))

write.csv(do.call(rbind, pairs), "matching_pairs.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, out), "matching_reference.csv", row.names = FALSE, quote = FALSE)
