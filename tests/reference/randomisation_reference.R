# Writes randomisation_plants.csv, randomisation_cars.csv, randomisation_counts.csv,
# randomisation_paths.csv and randomisation_reference.json. Run in this folder:
#   Rscript randomisation_reference.R
# Made with R 4.2.2, coin 1.4-2, jsonlite (Debian 12); what coin does not have is plain enumeration.
#
# randomisation_plants.csv: PlantGrowth, ctrl and trt1, as shipped with R (Dobson 1983).
# randomisation_cars.csv: mtcars as shipped with R (Henderson & Velleman 1981); role: five gears.
# randomisation_counts.csv, randomisation_paths.csv: simulated below.
suppressMessages({library(coin); library(jsonlite)})
out <- list()
share <- function(stat, own) mean(abs(stat) >= abs(own) * (1 - 1e-9))

plants <- subset(PlantGrowth, group != "trt2")
plants$group <- droplevels(plants$group)
plants$block <- factor(rep(1:2, each = 5, times = 2))
out$plants_p <- as.numeric(pvalue(oneway_test(weight ~ group, plants, distribution = exact())))
out$plants_block_p <- as.numeric(pvalue(
  oneway_test(weight ~ group | block, plants, distribution = exact())))
write.csv(data.frame(weight = plants$weight, role = as.integer(plants$group == "trt1"),
                     block = as.integer(plants$block)),
          "randomisation_plants.csv", row.names = FALSE)

cars <- data.frame(mpg = mtcars$mpg, qsec = mtcars$qsec, drat = mtcars$drat, wt = mtcars$wt,
                   hp = mtcars$hp, role = as.integer(mtcars$gear == 5))
write.csv(cars, "randomisation_cars.csv", row.names = FALSE)
sets <- combn(nrow(cars), sum(cars$role))
adjusted <- function(members) {
  role <- numeric(nrow(cars)); role[members] <- 1
  .lm.fit(cbind(role, 1, cars$wt, cars$hp) * sqrt(cars$drat), cars$mpg * sqrt(cars$drat))$coefficients[1]
}
own <- coef(lm(mpg ~ role + wt + hp, cars, weights = drat))[["role"]]
stat <- apply(sets, 2, adjusted)
out$cars_adjusted_estimate <- own
out$cars_adjusted_p <- share(stat, own)

outcomes <- as.matrix(cars[, c("mpg", "qsec", "drat")])
n <- nrow(outcomes); k <- sum(cars$role)
differences <- t(apply(sets, 2, function(m) colMeans(outcomes[m, ]) - colMeans(outcomes[-m, ])))
observed <- colMeans(outcomes[cars$role == 1, ]) - colMeans(outcomes[cars$role == 0, ])
joint <- function(draws, own) {
  largest <- apply(abs(draws), 1, max)
  single <- sapply(1:3, function(j) share(draws[, j], own[j]))
  list(statistics = unname(own), p = single,
       max_t = sapply(abs(unname(own)), function(z) mean(largest >= z * (1 - 1e-9))),
       holm = p.adjust(single, "holm"))
}
deviation <- sqrt(colMeans(differences^2) - colMeans(differences)^2)
out$cars_sd <- joint(t(t(differences) / deviation), observed / deviation)
welch <- function(m) (colMeans(outcomes[m, ]) - colMeans(outcomes[-m, ])) /
  sqrt(apply(outcomes[m, ], 2, var) / k + apply(outcomes[-m, ], 2, var) / (n - k))
out$cars_welch <- joint(t(apply(sets, 2, welch)), welch(which(cars$role == 1)))
set.seed(20260101)
test <- independence_test(mpg + qsec + drat ~ factor(role), cars, teststat = "maximum",
                          distribution = approximate(nresample = 500000))
out$cars_coin_max_t <- as.numeric(pvalue(test, method = "single-step"))

set.seed(7)
counts <- data.frame(role = c(rep(1, 4), rep(0, 12)), ballots = rpois(16, 6000) + 900,
                     baseline_ballots = rpois(16, 6500) + 900)
rate <- exp(rnorm(16, log(0.004), 0.2))
counts$events <- rpois(16, counts$ballots * rate * ifelse(counts$role == 1, 1.6, 1))
counts$baseline_events <- rpois(16, counts$baseline_ballots * rate)
write.csv(counts, "randomisation_counts.csv", row.names = FALSE)
groups <- combn(16, 4)
ratio <- function(theta, baseline, pooled) {
  x <- counts$events / ifelse(counts$role == 1, theta, 1)
  one <- function(m) {
    side <- function(i) if (pooled) log(sum(x[i]) / sum(counts$ballots[i])) -
        baseline * log(sum(counts$baseline_events[i]) / sum(counts$baseline_ballots[i])) else
      mean(log(x[i] / counts$ballots[i]) -
             baseline * log(counts$baseline_events[i] / counts$baseline_ballots[i]))
    side(m) - side(setdiff(1:16, m))
  }
  stat <- apply(groups, 2, one)
  c(p = share(stat, one(1:4)), estimate = one(1:4))
}
for (baseline in 0:1) for (pooled in c(TRUE, FALSE)) {
  none <- ratio(1, baseline, pooled)
  limit <- function(far) {  # bisection for p(theta) = 0.1 from the estimate outwards
    inner <- none[["estimate"]]; outer <- far
    for (i in 1:45) {
      middle <- (inner + outer) / 2
      if (ratio(exp(middle), baseline, pooled)[["p"]] > 0.1) inner <- middle else outer <- middle
    }
    exp(outer)
  }
  out[[paste0("ratio_", c("single", "change")[baseline + 1], "_", c("municipality", "pooled")[pooled + 1])]] <-
    list(ratio = exp(none[["estimate"]]), p = none[["p"]],
         lower = limit(none[["estimate"]] - 3), upper = limit(none[["estimate"]] + 3))
}

set.seed(11)
paths <- data.frame(path = c(rep(1, 7), rep(2, 4), rep(0, 12)))
paths$change <- round(rnorm(23, 0, 1) + 0.9 * (paths$path == 2), 3)
write.csv(paths, "randomisation_paths.csv", row.names = FALSE)
labels <- combn(11, 4)
among <- paths$change[1:11]
stat <- apply(labels, 2, function(m) mean(among[m]) - mean(among[-m]))
own <- mean(paths$change[paths$path == 2]) - mean(paths$change[paths$path == 1])
out$paths_330 <- list(assignments = ncol(labels), estimate = own, p = share(stat, own))
write(toJSON(out, auto_unbox = TRUE, digits = 15, pretty = TRUE), "randomisation_reference.json")
