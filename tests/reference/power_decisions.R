# Makes power_decisions.json: one-sided exact permutation p-values of shifted values.
# Version: coin 1.4.2 (Debian r-cran-coin), R 4.2.2. The data are made here: integers, so that
# coin's exact algorithm applies and ties occur. A hypothesis "the effect is tau" is tested by
# taking tau from the experiment units; limits are found by trying every half integer.
# Usage, in this folder: Rscript power_decisions.R
suppressPackageStartupMessages(library(coin))
set.seed(20260318)

p_value <- function(y, role, block, tau, alternative) {
  z <- y - tau * role
  # The first level is the experiment group, so "less" means lower in the experiment group.
  group <- factor(role, levels = c(1, 0))
  test <- if (is.null(block)) oneway_test(z ~ group, alternative = alternative,
                                          distribution = exact())
  else oneway_test(z ~ group | factor(block), alternative = alternative, distribution = exact())
  as.numeric(pvalue(test))
}

case <- function(y, role, block, margins) {
  # The one-sided p-value never rises with tau, so neighbours on a mesh bracket the limit.
  mesh <- seq(-30, 60, by = .5)
  upper <- sapply(mesh, function(m) p_value(y, role, block, m, "less"))
  list(values = y, role = role, strata = if (is.null(block)) rep(0, length(y)) else block,
       margins = margins,
       p_upper = sapply(margins, function(m) p_value(y, role, block, m, "less")),
       p_lower = sapply(margins, function(m) p_value(y, role, block, -m, "greater")),
       last_kept = max(mesh[upper > .05]), first_rejected = max(mesh[upper > .05]) + .5)
}

role <- as.numeric(1:22 %in% c(2, 5, 9, 14, 20))
plain <- case(round(rnorm(22, 0, 10)) + 4 * role, role, NULL, c(5, 10, 15, 20))
ties <- case(round(rnorm(22, 0, 2)) + role, role, NULL, c(1, 2, 3, 4))
blocks <- rep(0:1, c(9, 13))
strata <- case(round(rnorm(22, 8 * blocks, 6)) + 2 * role, role, blocks, c(3, 6, 9, 12))

text <- function(x) paste0("[", paste(format(x, digits = 15, trim = TRUE), collapse = ", "), "]")
body <- function(x) paste0("{", paste0("\"", names(x), "\": ", sapply(x, text), collapse = ",\n  "), "}")
cases <- list(plain = plain, ties = ties, strata = strata)
writeLines(c("{\"made_by\": \"power_decisions.R with coin 1.4.2, R 4.2.2\",",
             paste0("\"", names(cases), "\": ", sapply(cases, body),
                    c(",", ",", "")), "}"), "power_decisions.json")
