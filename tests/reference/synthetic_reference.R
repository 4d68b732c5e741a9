# Makes synthetic_panel.csv and synthetic_reference.csv with the authors' own implementation.
# Version: synthdid 0.0.9, commit 70c1ce3 (github.com/synth-inference/synthdid), R 4.2.2.
# Usage, in this folder: Rscript synthetic_reference.R PATH_OF_THE_SYNTHDID_SOURCES
setOldClass("synthdid_estimate")
sources <- file.path(commandArgs(TRUE)[1], "R", c("synthdid.R", "solver.R", "vcov.R", "utils.R"))
for (f in sources) source(f)

out <- list()
note <- function(data, quantity, values) {
  values <- as.numeric(values)
  out[[length(out) + 1]] <<- data.frame(data = data, quantity = quantity,
    position = seq_along(values) - 1, value = sprintf("%.15g", values))
}
describe <- function(data, Y, N0, T0) {
  sdid <- synthdid_estimate(Y, N0, T0)
  sc <- sc_estimate(Y, N0, T0)
  note(data, "sdid", sdid)
  note(data, "sc", sc)
  note(data, "sc_not_sparse", sc_estimate(Y, N0, T0, sparsify = NULL))
  note(data, "sdid_not_sparse", synthdid_estimate(Y, N0, T0, sparsify = NULL))
  note(data, "did", did_estimate(Y, N0, T0))
  note(data, "sdid_unit_weights", attr(sdid, "weights")$omega)
  note(data, "sdid_time_weights", attr(sdid, "weights")$lambda)
  note(data, "sdid_effects", synthdid_effect_curve(sdid))
  note(data, "sdid_zeta", attr(sdid, "opts")$zeta.omega)
  note(data, "sc_unit_weights", attr(sc, "weights")$omega)
  sdid
}
# An estimate with controls `rows` in the experiment role, started as placebo_se starts it.
placebo <- function(estimate, rows) {
  setup <- attr(estimate, "setup")
  weights <- attr(estimate, "weights")
  others <- setdiff(seq_len(setup$N0), rows)
  weights$omega <- sum_normalize(weights$omega[others])
  do.call(synthdid_estimate, c(list(Y = setup$Y[c(others, rows), ], N0 = length(others),
    T0 = setup$T0, weights = weights), attr(estimate, "opts")))
}
# A single control in the role, from uniform weights, with the options of the estimate.
alone <- function(estimate, row) {
  setup <- attr(estimate, "setup")
  opts <- attr(estimate, "opts")
  others <- setdiff(seq_len(setup$N0), row)
  opts$update.omega <- opts$update.lambda <- TRUE
  do.call(synthdid_estimate, c(list(Y = setup$Y[c(others, row), ], N0 = length(others),
    T0 = setup$T0), opts))
}

prop <- read.csv("synthetic_prop99.csv", comment.char = "#")
Y <- as.matrix(prop[, -1])
Y <- rbind(Y[prop$state != "California", ], Y[prop$state == "California", ])
sdid <- describe("prop99", Y, 38, 19)
note("prop99", "sdid_in_space_placebos", sapply(1:38, function(i) alone(sdid, i)))

# Thirty controls and five experiment units, eight periods of which two after, two factors.
set.seed(20260301)
n <- 35; periods <- 8
panel <- 10 + outer(rnorm(n), rep(1, periods)) + outer(rep(1, n), rnorm(periods)) +
  matrix(rnorm(2 * n), n) %*% matrix(rnorm(2 * periods), 2) + matrix(rnorm(n * periods, sd = .5), n)
panel[31:35, 7:8] <- panel[31:35, 7:8] + 1.5
panel <- round(panel, 6)
write.table(panel, "synthetic_panel.csv", sep = ",", row.names = FALSE, col.names = FALSE)
sdid <- describe("panel", panel, 30, 6)
note("panel", "sdid_jackknife_se", jackknife_se(sdid))
sets <- lapply(1:12, function(s) sample(1:30)[1:5])
note("panel", "placebo_sets", unlist(sets) - 1)
note("panel", "placebo_estimates", sapply(sets, function(rows) placebo(sdid, rows)))
for (i in 31:35) {
  rows <- c(1:30, i)
  note("panel", "sdid_per_unit", synthdid_estimate(panel[rows, ], 30, 6))
  note("panel", "sc_per_unit", sc_estimate(panel[rows, ], 30, 6))
}
lines <- "# Made by synthetic_reference.R with synthdid 0.0.9; positions count from 0."
writeLines(lines, "synthetic_reference.csv")
suppressWarnings(write.table(do.call(rbind, out), "synthetic_reference.csv", sep = ",",
  row.names = FALSE, quote = FALSE, append = TRUE))
