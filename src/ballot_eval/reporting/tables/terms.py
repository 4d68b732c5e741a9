"""Terms of the tables and sentences in both languages, by the code that the results have."""

from __future__ import annotations

from ballot_eval.reporting.language import Language

GROUPS = {
    "nl": {
        "experiment": "Experimentgemeenten",
        "control": "Controlegemeenten",
        "reference": "Referentiegemeenten",
        "national": "Nederland",
    },
    "en": {
        "experiment": "Experiment municipalities",
        "control": "Control municipalities",
        "reference": "Reference municipalities",
        "national": "The Netherlands",
    },
}
OUTCOMES = {
    "nl": {"invalid": "ongeldig", "blank": "blanco", "residual": "samen"},
    "en": {"invalid": "invalid", "blank": "blank", "residual": "together"},
}
WEIGHTINGS = {
    "nl": {"municipality": "per gemeente", "ballot": "per stem", "station": "per stembureau"},
    "en": {
        "municipality": "per municipality",
        "ballot": "per vote",
        "station": "per polling station",
    },
}
METHODS = {
    "nl": {
        "randomisation": "hertoewijzing",
        "randomisation_studentised": "hertoewijzing, gestudentiseerd",
        "randomisation_adjusted": "hertoewijzing, met kenmerken",
        "randomisation_ratio": "hertoewijzing, verhouding",
        "crv1": "regressie, CRV1",
        "cr2": "regressie, CR2",
        "crv3": "regressie, CRV3 (jackknife)",
        "entropy_balanced": "entropiebalans (CRV3)",
        "wild_bootstrap": "wilde bootstrap",
        "quasi_binomial": "quasi-binomiaal",
        "quasi_poisson": "quasi-Poisson",
        "quasi_negative_binomial": "negatief binomiaal, geschaald",
        "quasi_beta_binomial": "bèta-binomiaal, geschaald",
        "callaway_santanna": "Callaway en Sant’Anna",
        "synthetic_control": "synthetische controle",
        "synthetic_did": "synthetische verschillen",
    },
    "en": {
        "randomisation": "reassignment",
        "randomisation_studentised": "reassignment, studentised",
        "randomisation_adjusted": "reassignment, with covariates",
        "randomisation_ratio": "reassignment, ratio",
        "crv1": "regression, CRV1",
        "cr2": "regression, CR2",
        "crv3": "regression, CRV3 (jackknife)",
        "entropy_balanced": "entropy balancing (CRV3)",
        "wild_bootstrap": "wild bootstrap",
        "quasi_binomial": "quasi-binomial",
        "quasi_poisson": "quasi-Poisson",
        "quasi_negative_binomial": "negative binomial, scaled",
        "quasi_beta_binomial": "beta-binomial, scaled",
        "callaway_santanna": "Callaway and Sant’Anna",
        "synthetic_control": "synthetic control",
        "synthetic_did": "synthetic difference-in-differences",
    },
}
#: Methods that use every election of the study and not one baseline.
HISTORY_METHODS = ("callaway_santanna", "synthetic_control", "synthetic_did")
POOLS = {
    "nl": {
        "all": "alle controlegemeenten",
        "reference": "referentiegemeenten",
        "same_size": "zelfde grootteklassen",
        "same_province": "zelfde provincies",
        "without_neighbours": "zonder buurgemeenten",
        "matched": "gelijkende gemeenten",
        "leave_one_out": "zonder één experimentgemeente",
        "leave_control_out": "zonder één controlegemeente",
        "without_jumps": "zonder uitschieters",
    },
    "en": {
        "all": "all control municipalities",
        "reference": "reference municipalities",
        "same_size": "same size classes",
        "same_province": "same provinces",
        "without_neighbours": "without neighbouring municipalities",
        "matched": "matched municipalities",
        "leave_one_out": "without one experiment municipality",
        "leave_control_out": "without one control municipality",
        "without_jumps": "without outliers",
    },
}
SEVERITIES = {
    "nl": {"error": "fout", "warning": "waarschuwing", "info": "melding"},
    "en": {"error": "error", "warning": "warning", "info": "note"},
}
COVARIATES = {
    "nl": {
        "log_inhabitants": "inwoners (log)",
        "log_density": "inwoners per km² (log)",
        "higher_education_share": "hoger opgeleid",
        "mean_income_eur_thousands": "inkomen per inwoner",
    },
    "en": {
        "log_inhabitants": "inhabitants (log)",
        "log_density": "inhabitants per km² (log)",
        "higher_education_share": "higher education",
        "mean_income_eur_thousands": "income per inhabitant",
    },
}
FORMATS = {
    "nl": {
        "kiesraad_long": "Kiesraad, lang",
        "kiesraad_wide": "Kiesraad, breed",
        "canonical_csv": "eigen CSV",
    },
    "en": {
        "kiesraad_long": "Kiesraad, long",
        "kiesraad_wide": "Kiesraad, wide",
        "canonical_csv": "canonical CSV",
    },
}


def covariate_name(say: Language, variant: str) -> str:
    """Return a covariate of the matching in words."""
    share = say(nl="aandeel ", en="share ")
    return say.pick(COVARIATES).get(variant, variant.replace("rate_", share))


def narrow_group(say: Language, name: str) -> str:
    """Return the name of a group for a narrow column; the English noun would take a line more."""
    return say(nl=name, en=name.removesuffix(" municipalities"))
