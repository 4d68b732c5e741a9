# Writes learning_panel.csv, learning_voters.csv and learning_reference.json. Run in this folder:
#   Rscript learning_reference.R
# Made with R 4.2.2, coin 1.4-2, clubSandwich 0.5.8, jsonlite (Debian 12); what coin does not have
# is plain enumeration.
#
# learning_panel.csv: simulated below; 15 municipalities, 4 with the role, at three exposures:
# changes d, votes cast n, invalid votes x, the same at baseline (bn, bx), ages and blocks. The
# first 11 are also the experiment municipalities of later against first (later: 4 of them).
# learning_voters.csv: simulated below; voters in 14 stations of 6 municipalities.
suppressMessages({library(coin); library(clubSandwich); library(jsonlite)})
out <- list()
share <- function(stat, own) mean(abs(stat) >= abs(own) * (1 - 1e-9))

set.seed(11)
m <- 15
role <- c(1, 1, 1, 1, rep(0, m - 4))
persistent <- exp(rnorm(m, 0, 0.3))
panel <- data.frame(role = role, later = c(0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, rep(NA, 4)),
                    block = rep(1:2, length.out = m), age = round(rnorm(m, 42, 2), 1))
for (k in 1:3) {
  panel[[paste0("n", k)]] <- round(exp(rnorm(m, 10, 0.5)))
  panel[[paste0("bn", k)]] <- round(exp(rnorm(m, 10, 0.5)))
  rate <- c(0.0018, 0.0026, 0.0024)[k] * persistent
  panel[[paste0("bx", k)]] <- rbinom(m, panel[[paste0("bn", k)]], rate * exp(rnorm(m, 0, 0.2))) + 1
  panel[[paste0("x", k)]] <- rbinom(m, panel[[paste0("n", k)]],
                                    rate * exp(rnorm(m, 0, 0.2)) + role * c(5, 3, 2)[k] / 1000) + 1
}
write.csv(panel, "learning_panel.csv", row.names = FALSE)
d <- sapply(1:3, function(k) panel[[paste0("x", k)]] / panel[[paste0("n", k)]] -
                             panel[[paste0("bx", k)]] / panel[[paste0("bn", k)]])
n <- as.matrix(panel[, paste0("n", 1:3)]); x <- as.matrix(panel[, paste0("x", 1:3)])
bn <- as.matrix(panel[, paste0("bn", 1:3)]); bx <- as.matrix(panel[, paste0("bx", 1:3)])

sets <- combn(m, 4)
members <- which(role == 1)
over <- function(f) apply(sets, 2, f)

# Excess per exposure: estimate, p and covariance over all assignments, without and with weights.
excess <- function(y, w) function(s)
  sapply(1:3, function(k) weighted.mean(y[s, k], w[s, k]) - weighted.mean(y[-s, k], w[-s, k]))
population_cov <- function(draws) cov(draws) * (nrow(draws) - 1) / nrow(draws)
for (name in c("equal", "ballots")) {
  w <- if (name == "equal") matrix(1, m, 3) else n
  own <- excess(d, w)(members)
  draws <- t(over(excess(d, w)))
  removed <- d - outer(role, own)
  out[[paste0("excess_", name)]] <- list(
    estimate = own, p = sapply(1:3, function(k) share(draws[, k], own[k])),
    covariance = population_cov(t(over(excess(removed, w)))))
}

# Change from the first exposure to the third: p-value of several changes, plain and studentised.
v <- d[, 3] - d[, 1]
plain <- function(y, w) function(s) weighted.mean(y[s], w[s]) - weighted.mean(y[-s], w[-s])
welch <- function(y) function(s) (mean(y[s]) - mean(y[-s])) /
  sqrt(var(y[s]) / length(s) + var(y[-s]) / (m - length(s)))
common <- rowMeans(t(t(n[, c(1, 3)]) / colSums(n[, c(1, 3)])))
taus <- c(-0.004, -0.003, -0.002, 0, 0.001)
p_at <- function(statistic) sapply(taus, function(tau) {
  f <- statistic(v - tau * role); share(over(f), f(members)) })
out$change <- list(taus = taus, estimate = plain(v, rep(1, m))(members),
                   plain = p_at(function(y) plain(y, rep(1, m))), studentised = p_at(welch),
                   weighted_estimate = plain(v, common)(members),
                   weighted = p_at(function(y) plain(y, common)))

# Both consecutive changes together.
steps <- cbind(d[, 2] - d[, 1], d[, 3] - d[, 2])
t_own <- sapply(1:2, function(k) welch(steps[, k])(members))
t_all <- sapply(1:2, function(k) over(welch(steps[, k])))
largest <- apply(abs(t_all), 1, max)
out$joint <- list(statistics = t_own, p = sapply(1:2, function(k) share(t_all[, k], t_own[k])),
                  max_t = sapply(abs(t_own), function(z) mean(largest >= z * (1 - 1e-9))))

# Ratio of rate ratios, exposure 3 over exposure 1.
logs <- log(x[, 3] / n[, 3] / (bx[, 3] / bn[, 3])) - log(x[, 1] / n[, 1] / (bx[, 1] / bn[, 1]))
log_rr <- function(xx, k, s) {
  one <- function(u) log(sum(xx[u, k]) / sum(n[u, k]) / (sum(bx[u, k]) / sum(bn[u, k])))
  one(s) - one(-s)
}
rr <- exp(sapply(c(1, 3), function(k) log_rr(x, k, members)))
ratios <- c(0.4, 0.6, 0.8, 1, 1.2)
pooled_p <- sapply(ratios, function(rho) {
  xx <- x
  xx[members, 1] <- xx[members, 1] / rr[1]
  xx[members, 3] <- xx[members, 3] / (rr[1] * rho)
  f <- function(s) log_rr(xx, 3, s) - log_rr(xx, 1, s)
  share(over(f), f(members))
})
mean_p <- sapply(ratios, function(rho) {
  f <- plain(logs - log(rho) * role, rep(1, m)); share(over(f), f(members)) })
out$ratio <- list(ratios = ratios, rate_ratios = rr, pooled = rr[2] / rr[1], pooled_p = pooled_p,
                  municipality = exp(plain(logs, rep(1, m))(members)), municipality_p = mean_p)

# coin compares with an absolute tolerance, so it gets tenths of percentage points.
# Later against first, among the first 11 municipalities.
g <- data.frame(y = d[1:11, 3], later = panel$later[1:11], block = factor(panel$block[1:11]),
                age = panel$age[1:11])
labels <- combn(11, 4)
adjusted <- function(s) coef(lm(g$y ~ as.numeric(1:11 %in% s) + g$age))[[2]]
within_blocks <- function(s) coef(lm(g$y ~ as.numeric(1:11 %in% s) + g$block))[[2]]
m <- 11
t_labels <- apply(labels, 2, welch(g$y))
in_block <- apply(labels, 2, function(s) sum(g$block[s] == 1) == sum(g$block[g$later == 1] == 1))
out$later <- list(
  estimate = mean(g$y[g$later == 1]) - mean(g$y[g$later == 0]), never = mean(d[12:15, 3]),
  p = share(apply(labels, 2, plain(g$y, rep(1, 11))), plain(g$y, rep(1, 11))(which(g$later == 1))),
  p_coin = as.numeric(pvalue(oneway_test(I(1000 * y) ~ factor(later), g, distribution = "exact"))),
  block_estimate = within_blocks(which(g$later == 1)),
  p_block = share(apply(labels[, in_block], 2, within_blocks), within_blocks(which(g$later == 1))),
  assignments_block = sum(in_block),
  p_studentised = share(t_labels, welch(g$y)(which(g$later == 1))),
  adjusted_estimate = adjusted(which(g$later == 1)),
  adjusted_p = share(apply(labels, 2, adjusted), adjusted(which(g$later == 1))))

# Voters within stations. Station 14 has first-time voters only.
voters <- data.frame(station = rep(1:14, times = c(9, 5, 12, 7, 8, 10, 6, 11, 9, 7, 5, 8, 10, 6)))
voters$municipality <- c(1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6)[voters$station]
voters$earlier <- rbinom(nrow(voters), 1, 0.4) * (voters$station != 14)
voters$log_seconds <- round(4 + rnorm(14, 0, 0.2)[voters$station] - 0.1 * voters$earlier +
                            rnorm(6, 0, 0.05)[voters$municipality] * voters$earlier +
                            rnorm(nrow(voters), 0, 0.4), 4)
write.csv(voters, "learning_voters.csv", row.names = FALSE)
model <- lm(log_seconds ~ earlier + factor(station), data = voters)
for (name in c("station", "municipality")) {
  test <- coef_test(model, vcov = "CR2", cluster = voters[[name]], test = "Satterthwaite", coefs = "earlier")
  ci <- conf_int(model, vcov = "CR2", cluster = voters[[name]], test = "Satterthwaite", coefs = "earlier")
  mixed <- tapply(voters$earlier, voters$station, function(e) length(unique(e)) == 2)
  out[[paste0("within_", name)]] <- list(
    estimate = coef(model)[["earlier"]], se = test$SE,
    df = if (is.null(test$df_Satt)) test$df else test$df_Satt,
    p = if (is.null(test$p_Satt)) test$p_t else test$p_Satt,
    lower = ci$CI_L, upper = ci$CI_U, stations_with_both = sum(mixed))
}
write_json(out, "learning_reference.json", digits = I(15), auto_unbox = TRUE, pretty = TRUE)
