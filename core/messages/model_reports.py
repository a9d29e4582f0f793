"""Sentences of the model report: what is missing for one, what mistakes cost, and the thresholds that a method gives."""

from core.i18n import N_

MODEL_REPORT_MESSAGES: dict[str, str] = {
    "report_not_measured": N_(
        "The scores of the test images are not stored for version {number} of {product}. Measure it once: then its "
        "report is here."
    ),
    "report_without_test_images": N_(
        "{product} has no test images. A report needs images that no build has seen: give good and defective images "
        "the split test."
    ),
    "measurement_already_waiting": N_("Version {number} of {product} is being measured already, or waits for it."),
    "comparison_same_version": N_("Choose two different versions to compare."),
    "comparison_other_product": N_("Both versions must be of the same product."),
    "comparison_without_images": N_(
        "Versions {number} and {other} were measured on different test images: none is in both with the same label. "
        "Measure both again, then compare."
    ),
    "calibration_scores_missing": N_(
        "Version {number} was built by an earlier release that did not keep the scores its thresholds stand on: no "
        "method can compute others. Set them by hand, or build the memory bank again."
    ),
    "method_unknown": N_("There is no method {method}. Choose one of: {methods}."),
    "method_percent_invalid": N_(
        "The share of good parts below Review is a percentage from {lowest} on and below {highest}, such as 98."
    ),
    "method_k_invalid": N_("The number of standard deviations is above {lowest} and not above {highest}, such as 3."),
    "method_needs_defects": N_(
        "Version {number} was built without labeled defects: this method needs some. Add defect images with the split "
        "train and build again, or choose another method."
    ),
    "costs_invalid": N_("Costs are numbers from 0 on, and at least one of them is above 0."),
    "currency_too_long": N_("The currency has at most {highest} characters, such as KRW."),
    "defect_rate_invalid": N_("The share of defective parts lies between 0 and 100 percent, both left out."),
    "cheapest_needs_both": N_(
        "The cheapest thresholds need good and defective test images. Add what is missing, then measure again."
    ),
    "cheapest_few_defects": N_(
        "Fewer than 10 defective parts were tested: where the cheapest thresholds lie is little more than a guess."
    ),
    "cheapest_few_good": N_("Fewer than 20 good parts were tested: how often good parts are stopped is not sure."),
    "cheapest_unsure": N_(
        "The test images do not decide where the cheapest thresholds lie: other parts of the same kind would move them "
        "by much."
    ),
    "defect_rate_unknown": N_(
        "The line's share of defective parts is not known: no part was found defective in the last 90 days. Enter it."
    ),
    "thresholds_option_unused": N_("{option} goes with {needed} only."),
    "thresholds_in_force": N_(
        "{product}: version {number}, Review from {review_at}, NG from {reject_at} ({method}, {when}{said})"
    ),
    "thresholds_tried": N_("Tried, and not stored: Review from {review_at}, NG from {reject_at} ({method})"),
    "thresholds_before": N_("Before: Review from {review_at}, NG from {reject_at} ({method}, {when}{said})"),
    "thresholds_on_test": N_(
        "  on the test images: {overkill} of {n_normal} good ones NG, {escape} of {n_defect} defective ones OK, {review} "
        "to review"
    ),
    "thresholds_not_measured": N_("  not measured on test images; --measure does it"),
}
