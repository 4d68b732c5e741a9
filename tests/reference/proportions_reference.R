# Makes proportions_reference.csv: intervals for proportions and for differences of proportions.
# Base R only (stats::binom.test, stats::qbeta, stats::prop.test, stats::uniroot). The score
# intervals maximise the constrained likelihood by bisection of its derivative, not by the cubic.
# Run in this folder: Rscript proportions_reference.R

bisect <- function(f, low, high, rounds = 120) {
  # f decreases from + to -; works when f is infinite at the ends.
  for (i in seq_len(rounds)) {
    middle <- (low + high) / 2
    if (f(middle) > 0) low <- middle else high <- middle
  }
  (low + high) / 2
}

constrained <- function(x1, n1, x2, n2, d) {
  part <- function(x, p) if (x == 0) 0 else x / p
  bisect(function(p) part(x1, p + d) - part(n1 - x1, 1 - p - d) + part(x2, p) - part(n2 - x2, 1 - p),
         max(0, -d), min(1, 1 - d))
}

score_limits <- function(x1, n1, x2, n2, factor, level = 0.95) {
  z <- qnorm(1 - (1 - level) / 2)
  gap <- x1 / n1 - x2 / n2
  inside <- function(d) {
    p <- constrained(x1, n1, x2, n2, d)
    v <- factor * ((p + d) * (1 - p - d) / n1 + p * (1 - p) / n2)
    z * sqrt(max(v, 0)) - abs(gap - d)
  }
  lower <- if (gap <= -1) -1 else -bisect(function(u) inside(-u), -(gap - 1e-9), 1, 70)
  upper <- if (gap >= 1) 1 else bisect(inside, gap + 1e-9, 1, 70)
  c(lower, upper)
}

wilson <- function(x, n, level = 0.95) {
  as.numeric(suppressWarnings(prop.test(x, n, conf.level = level, correct = FALSE))$conf.int)
}

hybrid <- function(x1, n1, x2, n2, level = 0.95) {
  a <- wilson(x1, n1, level); b <- wilson(x2, n2, level); p <- x1 / n1; q <- x2 / n2
  c(p - q - sqrt((p - a[1])^2 + (b[2] - q)^2), p - q + sqrt((a[2] - p)^2 + (q - b[1])^2))
}

rows <- list()
add <- function(method, x1, n1, x2, n2, level, limits) {
  rows[[length(rows) + 1]] <<- data.frame(method, x1, n1, x2, n2, level,
    ci_lower = sprintf("%.12f", limits[1]), ci_upper = sprintf("%.12f", limits[2]))
}

singles <- list(c(81, 263), c(15, 148), c(0, 20), c(1, 29), c(20, 20), c(29, 30), c(1, 1), c(37, 15234))
for (s in singles) for (level in c(0.95, 0.9)) {
  x <- s[1]; n <- s[2]; tail <- (1 - level) / 2
  add("clopper_pearson", x, n, NA, NA, level, binom.test(x, n, conf.level = level)$conf.int)
  add("jeffreys", x, n, NA, NA, level,
      c(if (x == 0) 0 else qbeta(tail, x + .5, n - x + .5),
        if (x == n) 1 else qbeta(1 - tail, x + .5, n - x + .5)))
}
pairs <- list(c(56, 70, 48, 80), c(9, 10, 3, 10), c(6, 7, 2, 7), c(5, 56, 0, 29), c(0, 10, 0, 20),
              c(0, 10, 0, 10), c(10, 10, 0, 20), c(10, 10, 0, 10), c(0, 10, 20, 20), c(10, 10, 20, 20),
              c(1, 1, 0, 1), c(3, 5000, 40, 20000), c(62, 21873, 51, 30641), c(70, 70, 79, 80))
for (s in pairs) for (level in c(0.95, 0.9)) {
  n <- s[2] + s[4]
  call <- function(f, ...) f(s[1], s[2], s[3], s[4], ..., level = level)
  add("newcombe", s[1], s[2], s[3], s[4], level, call(hybrid))
  add("mee", s[1], s[2], s[3], s[4], level, call(score_limits, factor = 1))
  add("miettinen_nurminen", s[1], s[2], s[3], s[4], level, call(score_limits, factor = n / (n - 1)))
}
out <- file("proportions_reference.csv", "w")
writeLines(paste0("# Made by proportions_reference.R with ", R.version.string, ", base packages only."), out)
write.csv(do.call(rbind, rows), out, row.names = FALSE, quote = FALSE, na = "")
close(out)
