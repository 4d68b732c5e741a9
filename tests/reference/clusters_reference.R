# Writes clusters_did.csv and clusters_reference.json. Run in this folder: Rscript clusters_reference.R
# Made with R 4.2.2, sandwich 3.0-2, clubSandwich 0.5.8, jsonlite (Debian 12).
#
# clusters_grunfeld.csv: Grunfeld's investment data, 11 firms x 20 years, as shipped with
# statsmodels.datasets.grunfeld (public domain).
# clusters_did.csv: simulated below; 40 units in 30 clusters of 1 to 3 units, 6 periods, 3 clusters
# with the experiment from period 4 or 5 on, a covariate, 20 rows left out.
suppressMessages({library(sandwich); library(clubSandwich); library(jsonlite)})

summary_of <- function(model, cluster, terms) {
  x <- model.matrix(model)
  n <- nrow(x); g <- length(unique(cluster))
  cr1 <- vcovCL(model, cluster = cluster, type = "HC1", cadjust = TRUE)
  cr2 <- coef_test(model, vcov = "CR2", cluster = cluster, test = "Satterthwaite", coefs = terms)
  ci2 <- conf_int(model, vcov = "CR2", cluster = cluster, test = "Satterthwaite", coefs = terms)
  # clubSandwich inverts I - H_gg, which the effects of a cluster make singular.
  cr3 <- try(vcovCR(model, cluster = cluster, type = "CR3"), silent = TRUE)
  cr3_se <- if (inherits(cr3, "try-error")) NA else unname(sqrt(diag(cr3)[terms]))
  list(rank = model$rank, rows = n, clusters = g,
       terms = terms, estimate = unname(coef(model)[terms]),
       crv1_se = unname(sqrt(diag(cr1)[terms])),
       cr2_se = cr2$SE, cr2_df = if (is.null(cr2$df_Satt)) cr2$df else cr2$df_Satt,
       cr2_p = if (is.null(cr2$p_Satt)) cr2$p_t else cr2$p_Satt,
       cr2_lower = ci2$CI_L, cr2_upper = ci2$CI_U,
       cr3_sum_se = cr3_se)
}

# The jackknife by literally leaving clusters out, around the full estimate, as a plain sum.
jackknife_sum <- function(formula, data, cluster, terms) {
  full <- coef(lm(formula, data = data))[terms]
  changes <- sapply(unique(cluster), function(g) coef(lm(formula, data = data[cluster != g, ]))[terms] - full)
  unname(sqrt(rowSums(matrix(changes, nrow = length(terms))^2)))
}

grunfeld <- read.csv("clusters_grunfeld.csv")
terms <- c("value", "capital")
out <- list()
for (name in c("pooled", "firm", "firm_year")) {
  f <- switch(name,
    pooled = invest ~ value + capital,
    firm = invest ~ value + capital + factor(firm),
    firm_year = invest ~ value + capital + factor(firm) + factor(year))
  out[[paste0("grunfeld_", name)]] <-
    c(summary_of(lm(f, grunfeld), grunfeld$firm, terms),
      list(jackknife_sum_se = jackknife_sum(f, grunfeld, grunfeld$firm, terms)))
}

set.seed(20260318)
cluster_of <- c(1:30, 1:5, 11:15)                      # 40 units, ten clusters with two
did <- expand.grid(unit = 1:40, period = 1:6)
did$cluster <- cluster_of[did$unit]
start <- ifelse(did$cluster <= 2, 4, ifelse(did$cluster == 3, 5, Inf))
did$exposed <- as.integer(did$period >= start)
did$covariate <- round(rnorm(240) + 0.2 * did$period, 4)
shock <- matrix(rnorm(30 * 6, sd = 0.4), 30)
did$outcome <- round(0.01 * did$unit + rnorm(40)[did$unit] + 0.1 * did$period + 0.5 * did$exposed +
  0.3 * did$covariate + shock[cbind(did$cluster, did$period)] + rnorm(240, sd = 0.5), 4)
did <- did[-sample(which(did$cluster > 3), 20), ]
did <- did[order(did$unit, did$period), ]
write.csv(did, "clusters_did.csv", row.names = FALSE, quote = FALSE)

terms <- c("exposed", "covariate")
f <- outcome ~ exposed + covariate + factor(unit) + factor(period)
out$did <- c(summary_of(lm(f, did), did$cluster, terms),
             list(jackknife_sum_se = jackknife_sum(f, did, did$cluster, terms)))

f <- outcome ~ exposed + covariate
out$did_pooled <- c(summary_of(lm(f, did), did$cluster, terms),
                    list(jackknife_sum_se = jackknife_sum(f, did, did$cluster, terms)))

out$versions <- list(R = as.character(getRversion()), sandwich = as.character(packageVersion("sandwich")),
                     clubSandwich = as.character(packageVersion("clubSandwich")))
write_json(out, "clusters_reference.json", digits = 15, auto_unbox = TRUE, pretty = TRUE)
