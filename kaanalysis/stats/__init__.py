"""Estimators: every number with an interval, its level, n and method. Floor 1: numpy, pandas, scipy and rapidfuzz only."""

from kaanalysis.stats.agreement import gwet_agreement
from kaanalysis.stats.capture import Overlap, overlap, overlaps, population_size, shared_unevenness, stratified_size
from kaanalysis.stats.change_point import change_point, change_point_test, largest_jump, step_weight
from kaanalysis.stats.cluster_regression import Regression, cluster_regression, difference_in_differences
from kaanalysis.stats.clustered_incidence import clustered_incidence_at, pseudo_incidence, weighted_incidence_at
from kaanalysis.stats.clustered_share import ClusteredShare, clustered_share, share_beyond_expected
from kaanalysis.stats.competing import cumulative_incidence, follow_up_share, incidence_at
from kaanalysis.stats.composition import likeness_permutation, need_distance, need_distance_difference
from kaanalysis.stats.concentration import gini, lorenz_curve, top_share
from kaanalysis.stats.dispersion import (
    brown_forsythe,
    difference_of_dispersion,
    dispersion,
    median_interval,
    ratio_of_medians,
    weighted_dispersion,
    weighted_median,
)
from kaanalysis.stats.dominance import Dominance, dominance
from kaanalysis.stats.effect import Effect, Measured
from kaanalysis.stats.effects import difference_of_effects, log_ratio, log_ratio_change
from kaanalysis.stats.estimate import Estimate, Significance, difference_of_estimates
from kaanalysis.stats.event_rates import EventRate, RateDifference, event_rate, log_linear_trend
from kaanalysis.stats.group_comparison import log_rank
from kaanalysis.stats.group_spread import between_spread
from kaanalysis.stats.information import expected_regret, expected_value_of_perfect_information, probability_best
from kaanalysis.stats.judges import Judged, judged_items
from kaanalysis.stats.mantel_haenszel import clustered_risk_ratio, clustered_risk_test
from kaanalysis.stats.mean_survival import restricted_mean, restricted_mean_difference, restricted_mean_shares
from kaanalysis.stats.multiplicity import benjamini_yekutieli, holm, partial_conjunction
from kaanalysis.stats.normal_means import draw_means
from kaanalysis.stats.panel import common_slope
from kaanalysis.stats.partial_information import expected_value_of_partial_information, expected_value_of_sample
from kaanalysis.stats.placebo_band import PlaceboBand, placebo_band
from kaanalysis.stats.poisson_binomial import poisson_binomial, poisson_binomial_range
from kaanalysis.stats.proportions import (
    clopper_pearson,
    jeffreys,
    mantel_haenszel_relative_risk,
    newcombe_difference,
    standardised_difference,
    wilson,
)
from kaanalysis.stats.rate_distribution import compare_spreads, density, shrunk_rates
from kaanalysis.stats.resampling import bootstrap, cluster_weights, permutation_test, poisson_sums, poisson_weights
from kaanalysis.stats.richness import Richness, chao2, chao2_by_site, unseen_units
from kaanalysis.stats.sample_size import closed_needed
from kaanalysis.stats.sensitivity import VarianceShares, variance_shares
from kaanalysis.stats.sequential import (
    confidence_sequence,
    evidence_reached,
    log_evidence,
    log_evidence_above,
    repeated_tests,
    sequential_rule,
)
from kaanalysis.stats.shapley import shapley_effects
from kaanalysis.stats.share_contrast import ShareContrast, design_effect, share_contrast
from kaanalysis.stats.shrinkage import CellModel, sampling_gain, shrink_means, shrink_shares, shrunk_share_intervals
from kaanalysis.stats.similarity import (
    Decay,
    PairSimilarity,
    pair_similarity,
    permutation_manova,
    sequence_similarity,
    similarity_decay,
)
from kaanalysis.stats.smoothing import fit_means, natural_spline, normal_scores
from kaanalysis.stats.steadiness import PeriodChart, between_period_sd, between_period_test, period_chart, period_trend
from kaanalysis.stats.stopping import (
    DECISIONS,
    Characteristic,
    StoppingRule,
    characteristic,
    single_stage,
    wins_of_first,
)
from kaanalysis.stats.strata import stratified_difference, stratified_mean, stratified_mean_draws
from kaanalysis.stats.subset_scan import FallenSubset, fallen_subset
from kaanalysis.stats.survival import kaplan_meier, survival_quantile
from kaanalysis.stats.totals import (
    ShareOfTotal,
    effective_number,
    log_ratio_of_totals,
    ratio_of_totals,
    share_effect,
    share_of_total,
    signed_total,
    total,
)
from kaanalysis.stats.two_stage import TwoStage, two_stage

__all__ = [
    "DECISIONS",
    "CellModel",
    "Characteristic",
    "ClusteredShare",
    "Decay",
    "Dominance",
    "Effect",
    "Estimate",
    "EventRate",
    "FallenSubset",
    "Judged",
    "Measured",
    "Overlap",
    "PairSimilarity",
    "PeriodChart",
    "PlaceboBand",
    "RateDifference",
    "Regression",
    "Richness",
    "ShareContrast",
    "ShareOfTotal",
    "Significance",
    "StoppingRule",
    "TwoStage",
    "VarianceShares",
    "benjamini_yekutieli",
    "between_period_sd",
    "between_period_test",
    "between_spread",
    "bootstrap",
    "brown_forsythe",
    "change_point",
    "change_point_test",
    "chao2",
    "chao2_by_site",
    "characteristic",
    "clopper_pearson",
    "closed_needed",
    "cluster_regression",
    "cluster_weights",
    "clustered_incidence_at",
    "clustered_risk_ratio",
    "clustered_risk_test",
    "clustered_share",
    "common_slope",
    "compare_spreads",
    "confidence_sequence",
    "cumulative_incidence",
    "density",
    "design_effect",
    "difference_in_differences",
    "difference_of_dispersion",
    "difference_of_effects",
    "difference_of_estimates",
    "dispersion",
    "dominance",
    "draw_means",
    "effective_number",
    "event_rate",
    "evidence_reached",
    "expected_regret",
    "expected_value_of_partial_information",
    "expected_value_of_perfect_information",
    "expected_value_of_sample",
    "fallen_subset",
    "fit_means",
    "follow_up_share",
    "gini",
    "gwet_agreement",
    "holm",
    "incidence_at",
    "jeffreys",
    "judged_items",
    "kaplan_meier",
    "largest_jump",
    "likeness_permutation",
    "log_evidence",
    "log_evidence_above",
    "log_linear_trend",
    "log_rank",
    "log_ratio",
    "log_ratio_change",
    "log_ratio_of_totals",
    "lorenz_curve",
    "mantel_haenszel_relative_risk",
    "median_interval",
    "natural_spline",
    "need_distance",
    "need_distance_difference",
    "newcombe_difference",
    "normal_scores",
    "overlap",
    "overlaps",
    "pair_similarity",
    "partial_conjunction",
    "period_chart",
    "period_trend",
    "permutation_manova",
    "permutation_test",
    "placebo_band",
    "poisson_binomial",
    "poisson_binomial_range",
    "poisson_sums",
    "poisson_weights",
    "population_size",
    "probability_best",
    "pseudo_incidence",
    "ratio_of_medians",
    "ratio_of_totals",
    "repeated_tests",
    "restricted_mean",
    "restricted_mean_difference",
    "restricted_mean_shares",
    "sampling_gain",
    "sequence_similarity",
    "sequential_rule",
    "shapley_effects",
    "share_beyond_expected",
    "share_contrast",
    "share_effect",
    "share_of_total",
    "shared_unevenness",
    "shrink_means",
    "shrink_shares",
    "shrunk_rates",
    "shrunk_share_intervals",
    "signed_total",
    "similarity_decay",
    "single_stage",
    "standardised_difference",
    "step_weight",
    "stratified_difference",
    "stratified_mean",
    "stratified_mean_draws",
    "stratified_size",
    "survival_quantile",
    "top_share",
    "total",
    "two_stage",
    "unseen_units",
    "variance_shares",
    "weighted_dispersion",
    "weighted_incidence_at",
    "weighted_median",
    "wilson",
    "wins_of_first",
]
