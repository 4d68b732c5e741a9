# Writes survey_estimates_reference.json. Run in this folder: Rscript survey_estimates_reference.R
# Made with R 4.2.2, survey 4.1-1, jsonlite (Debian 12). Samples of Californian schools as shipped
# with the survey package (Lumley); see survey_calibration_reference.R.
suppressMessages({library(survey); library(jsonlite)})
data(api)

mean_of <- function(formula, design) {
  m <- svymean(formula, design, deff = "replace")
  list(estimate = as.vector(coef(m)), se = as.vector(SE(m)), deff = as.vector(deff(m)),
       df = degf(design), ci = unname(confint(m, df = degf(design))))
}
total_of <- function(formula, design) {
  m <- svytotal(formula, design, deff = "replace")
  list(estimate = as.vector(coef(m)), se = as.vector(SE(m)), deff = as.vector(deff(m)))
}
ratio_of <- function(design) {
  r <- svyratio(~api.stu, ~enroll, design)
  list(estimate = as.vector(coef(r)), se = as.vector(SE(r)))
}
share_of <- function(formula, design) {
  both <- lapply(c(korn_graubard = "beta", logit = "logit", wald = "mean"), function(m)
    as.vector(attr(svyciprop(formula, design, method = m), "ci")))
  c(list(estimate = as.vector(coef(svyciprop(formula, design)))), both)
}
quantile_of <- function(design, rule, type) {
  q <- svyquantile(~api00, design, c(0.123, 0.487, 0.876), qrule = rule, interval.type = type,
                   df = degf(design))[[1]]
  unname(q[, 1:3])
}
# A regression on indicators of the groups alone gives their means with the covariance.
means_by <- function(design) {
  by <- svyglm(api00 ~ 0 + stype, design)
  difference <- svycontrast(by, list(c(1, -1, 0), c(0.5, 0.5, -1)))
  list(estimate = as.vector(coef(by)), covariance = unname(as.matrix(vcov(by))),
       contrast = as.vector(coef(difference)), contrast_se = as.vector(SE(difference)))
}
everything <- function(design) {
  small <- subset(design, stype == "H" & enroll > 800)
  list(mean = mean_of(~api00 + enroll, design), total = total_of(~enroll, design),
       ratio = ratio_of(design), shares = mean_of(~stype, design),
       domain_mean = mean_of(~api00, small), domain_total = total_of(~enroll, small),
       domain_ratio = ratio_of(small), by = means_by(design),
       share = share_of(~I(sch.wide == "No"), design), rare = share_of(~I(enroll > 1500), design),
       domain_share = share_of(~I(awards == "Yes"), small),
       quantiles = list(math_wald = quantile_of(design, "math", "mean"),
                        math_logit = quantile_of(design, "math", "xlogit"),
                        school_wald = quantile_of(design, "school", "mean"),
                        domain = quantile_of(subset(design, stype == "E"), "math", "mean")))
}

clus <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1)
clus_fpc <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
srs <- svydesign(id = ~1, weights = ~pw, data = apisrs, fpc = ~fpc)
stype <- data.frame(stype = c("E", "H", "M"), Freq = as.vector(table(apipop$stype)[c("E", "H", "M")]))
out <- list(size = as.list(setNames(stype$Freq, stype$stype)), clus = everything(clus),
            clus_fpc = everything(clus_fpc), strat = everything(strat), srs = everything(srs),
            clus_poststratified = everything(postStratify(clus, ~stype, stype)))
write(toJSON(out, digits = 15, auto_unbox = TRUE), "survey_estimates_reference.json")
