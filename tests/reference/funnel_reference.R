# Makes funnel_limits.csv (control limits), funnel_units.csv (made-up counts) and
# funnel_dispersion.csv (their dispersion). Base R only. The limits are found from the whole
# distribution of each unit, by lchoose and lbeta, and interpolated as in Spiegelhalter (2005),
# Statistics in Medicine 24, appendix A.1.1: y = (r - (P(R <= r) - p) / P(R = r)) / n with r the
# smallest count that has P(R <= r) >= p, and 0 at least for an upper limit. The dispersion is the phi whose expected winsorised mean
# square of scores is the one found.
# Run in this folder: Rscript funnel_reference.R

chances <- function(n, rate, phi) {
  if (phi == 1) return(dbinom(0:n, n, rate))
  m <- max((n - phi) / (phi - 1), 1e-3)
  exp(lchoose(n, 0:n) + lbeta(rate * m + 0:n, (1 - rate) * m + n - 0:n) -
        lbeta(rate * m, (1 - rate) * m))
}

limit <- function(n, rate, phi, p) {
  d <- chances(n, rate, phi)
  r <- which(cumsum(d) >= p)[1]
  (r - 1 - (cumsum(d)[r] - p) / d[r]) / n
}

write <- function(table, file) {
  out <- file(file, "w")
  writeLines(paste0("# Made by funnel_reference.R with ", R.version.string, ", base packages only."), out)
  write.csv(table, out, row.names = FALSE, quote = FALSE)
  close(out)
}

digits <- function(x) sprintf("%.12g", x)
cases <- expand.grid(n = c(1, 2, 40, 145, 528, 1081, 3000), rate = c(0.0024, 0.006, 0.3),
                     phi = c(1, 1.57, 4), level = c(0.95, 0.998))
cases$lower <- digits(mapply(function(n, r, f, l) limit(n, r, f, (1 - l) / 2),
                             cases$n, cases$rate, cases$phi, cases$level))
cases$upper <- digits(mapply(function(n, r, f, l) max(0, limit(n, r, f, (1 + l) / 2)),
                             cases$n, cases$rate, cases$phi, cases$level))
write(cases, "funnel_limits.csv")

# Gamma-mixed Poisson counts, so that the sizes and the dispersion resemble polling stations.
set.seed(2005)
n <- round(559 * rweibull(150, 2) / gamma(1.5)) + 20
x <- rpois(150, rgamma(150, n * 0.003 / 0.7, scale = 0.7))
write(data.frame(x, n), "funnel_units.csv")

winsorised <- function(z, w, share) {
  o <- order(z); z <- z[o]; w <- w[o] / sum(w)
  low <- z[which(cumsum(w) >= share)[1]]
  high <- z[which(cumsum(w) >= 1 - share - 1e-12)[1]]
  sum(w * pmin(pmax(z, low), high)^2)
}
dispersion <- function(x, n, rate, share) {
  score <- function(x, n) (x - n * rate) / sqrt(n * rate * (1 - rate))
  found <- winsorised(score(x, n), rep(1, length(x)), share)
  expected <- function(phi) {
    winsorised(unlist(lapply(n, function(m) score(0:m, m))),
               unlist(lapply(n, function(m) chances(m, rate, phi))), share)
  }
  if (expected(1) >= found) 1 else uniroot(function(f) expected(f) - found, c(1, 20), tol = 1e-9)$root
}
rate <- sum(x) / sum(n)
shares <- c(0, 0.05, 0.1)
write(data.frame(share = shares, rate = digits(rate),
                 phi = sapply(shares, function(s) sprintf("%.6f", dispersion(x, n, rate, s)))),
      "funnel_dispersion.csv")
