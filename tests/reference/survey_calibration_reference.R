# Writes survey_calibration_reference.json. Run in this folder: Rscript survey_calibration_reference.R
# Made with R 4.2.2, survey 4.1-1, jsonlite (Debian 12).
#
# survey_apiclus1.csv, survey_apistrat.csv: samples of Californian schools as shipped with the survey
# package (Lumley), whose apipop holds the totals of the population.
suppressMessages({library(survey); library(jsonlite)})
data(api)
options(survey.replicates.mse = FALSE)

numbers <- function(x) list(estimate = unname(as.vector(coef(x))), se = unname(as.vector(SE(x))))
describe <- function(design) {
  wide <- subset(design, sch.wide == "Yes")
  list(mean = numbers(svymean(~api00, design)), total = numbers(svytotal(~enroll, design)),
       ratio = numbers(svyratio(~api.stu, ~enroll, design)), domain = numbers(svymean(~api00, wide)),
       weights = summary(weights(design, "sampling"))[c("Min.", "Max.")] |> as.vector())
}

stype <- data.frame(stype = c("E", "H", "M"), Freq = as.vector(table(apipop$stype)[c("E", "H", "M")]))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = as.vector(table(apipop$sch.wide)[c("No", "Yes")]))
awards <- data.frame(awards = c("No", "Yes"), Freq = as.vector(table(apipop$awards)[c("No", "Yes")]))
exact <- list(epsilon = 1e-14, maxit = 500)
clus <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1)
clus_fpc <- svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc)
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc)
# Totals in the order of the columns: intercept, stypeH, stypeM, and the sum of api99.
totals <- c(`(Intercept)` = nrow(apipop), stypeH = stype$Freq[2], stypeM = stype$Freq[3],
            api99 = sum(apipop$api99))
calibrated <- function(design, ...)
  calibrate(design, ~stype + api99, totals, epsilon = 1e-13, maxit = 200, ...)
margins <- list(~stype, ~sch.wide)
goals <- list(stype, wide)
wide_awards <- c(`(Intercept)` = nrow(apipop), sch.wideYes = wide$Freq[2], awardsYes = awards$Freq[2])
# Bounds that some weights reach.
clus_margins_bounded <- calibrate(
  clus, ~sch.wide + awards + stype, c(wide_awards, stypeH = stype$Freq[2], stypeM = stype$Freq[3]),
  calfun = "raking", bounds = c(0.85, 1.92), epsilon = 1e-13, maxit = 200)

jk1 <- as.svrepdesign(clus, type = "JK1")
jk1_fpc <- as.svrepdesign(clus_fpc, type = "JK1")
jkn <- as.svrepdesign(strat, type = "JKn")
jk1_mse <- as.svrepdesign(clus, type = "JK1", mse = TRUE)
replicates <- function(design) {
  own <- withReplicates(design, function(w, data) {
    m <- sum(w * data$api00) / sum(w)
    sqrt(sum(w * (data$api00 - m)^2) / sum(w))
  })
  c(describe(design), list(spread = numbers(own)))
}

out <- list(
  totals = list(size = nrow(apipop), stype = setNames(as.list(stype$Freq), stype$stype),
                sch.wide = setNames(as.list(wide$Freq), wide$sch.wide),
                awards = setNames(as.list(awards$Freq), awards$awards), api99 = sum(apipop$api99)),
  clus_poststratified = describe(postStratify(clus, ~stype, stype)),
  clus_fpc_poststratified = describe(postStratify(clus_fpc, ~stype, stype)),
  strat_poststratified = describe(postStratify(strat, ~sch.wide, wide)),
  clus_raked = describe(rake(clus, margins, goals, control = exact)),
  strat_raked = describe(rake(strat, list(~sch.wide, ~awards), list(wide, awards), control = exact)),
  strat_raked_design = describe(calibrate(strat, ~sch.wide + awards, wide_awards, calfun = "raking",
                                          epsilon = 1e-13, maxit = 200)),
  clus_linear = describe(calibrated(clus)),
  clus_raking = describe(calibrated(clus, calfun = "raking")),
  clus_logit = describe(calibrated(clus, calfun = "logit", bounds = c(0.5, 2.5))),
  clus_linear_bounded = describe(calibrated(clus, calfun = "linear", bounds = c(0.6, 2))),
  clus_raking_bounded = describe(calibrated(clus, calfun = "raking", bounds = c(0.7, 1.9))),
  clus_margins_bounded = describe(clus_margins_bounded),
  strat_linear = describe(calibrated(strat)),
  strat_logit = describe(calibrated(strat, calfun = "logit", bounds = c(0.8, 1.2))),
  jk1 = replicates(jk1), jk1_fpc = replicates(jk1_fpc), jk1_mse = replicates(jk1_mse),
  jkn = replicates(jkn),
  jk1_poststratified = replicates(postStratify(jk1, ~stype, stype)),
  jk1_raked = replicates(rake(jk1, margins, goals, control = exact)),
  jkn_raked = replicates(rake(jkn, list(~sch.wide, ~awards), list(wide, awards), control = exact))
)
writeLines(toJSON(out, digits = I(15), auto_unbox = TRUE, pretty = TRUE),
           "survey_calibration_reference.json")
