"""Sentences of what stands against a version (`held_…`), of what it hardly finds (`weak_…`), and of a replay."""

from core.i18n import N_

JUDGMENT_MESSAGES: dict[str, str] = {
    "held_worse_on_test": N_(
        "It measures worse than the version in use on the same test images: AUROC {image_auroc} instead of "
        "{active_image_auroc}, and {escape} instead of {active_escape} of {n_defect} defects judged OK."
    ),
    "held_known_defects_pass": N_(
        "It would pass known defects that the version in use stops ({count} of {n_known}): {names}."
    ),
    "held_thresholds_moved": N_(
        "Its thresholds moved further than the same images explain: Review from {active_review_at} → {review_at}, NG "
        "from {active_reject_at} → {reject_at}; the {n_common} normal images that both versions know explain "
        "{explained_review_at} and {explained_reject_at}. Look for parts that are not good among the {n_new} new normal "
        "images."
    ),
    "held_near_chance": N_(
        "On the test images it can hardly tell defects from good parts: AUROC {image_auroc} (95 % sure: {low} to "
        "{high}; 0.5 is chance), with {n_defect} defect and {n_normal} normal images."
    ),
    "held_most_escape": N_("Most test defects are judged OK at its thresholds: {escape} of {n_defect}."),
    "held_how_to_activate": N_(
        "{product}: version {number} was built and waits; what was in use stays in use. To put it into use all the "
        'same: Memory banks, Versions, "Put into use"; or "python -m core deploy {what} --product {product} '
        '--activate".'
    ),
    "held_overridden": N_("{product}: version {number} was put into use in spite of this."),
    "held_by_hand": N_("The settings leave it to a person to put a new version into use."),
    "version_held_back": N_(
        "Something speaks against version {number}: {reasons} Confirm that it is to be put into use all the same."
    ),
    "weak_all_chance": N_(
        "On the test images defects can hardly be told from good parts: AUROC {image_auroc} (95 % sure: {low} to "
        "{high}; 0.5 is chance)."
    ),
    "weak_all_escape": N_("{escape} of {n_defect} defect test images are judged OK."),
    "weak_type_chance": N_(
        "{defect_type}: hardly told from good parts on the test images, AUROC {image_auroc} (95 % sure: {low} to "
        "{high}; 0.5 is chance)."
    ),
    "weak_type_escape": N_("{defect_type}: {escape} of {n_defect} test images are judged OK."),
    "weak_remedy": N_(
        "Check these parts by another means until it is better. Then: check the labels, look closer (tiles, a larger "
        "input, the region of interest under Preprocessing), label more such defects, or lower the thresholds."
    ),
    "check_models": N_("No model in use is known to be weak on its test images."),
    "check_models_weak": N_("Models in use that are weak on their test images: {found} {remedy}"),
}

# Of the replay, of thresholds that a person sets, and of candidates that are refused.
REPLAY_MESSAGES: dict[str, str] = {
    "replay_limit_invalid": N_("Compare between 1 and {highest} inspections."),
    "replay_without_candidate": N_(
        "{product} has no newer version that waits to be put into use. Name a version to compare, or other thresholds."
    ),
    "replay_version_unknown": N_("{product} has no memory bank version {number}."),
    "replay_thresholds_incomplete": N_("Give both thresholds: from which score on Review, and from which on NG."),
    "replay_compared": N_(
        "{product}: version {number} (Review from {review_at}, NG from {reject_at}) on {inspections} inspections and "
        "{images} labelled images, {seconds} s"
    ),
    "replay_in_use": N_("In use: version {number} (Review from {review_at}, NG from {reject_at})"),
    "replay_none_in_use": N_("No version is in use: nothing can change yet."),
    "replay_no_change": N_("No verdict would change."),
    "replay_left_out": N_(
        "{count} labelled images are left out: a version has learned from them, and no score from before that is kept."
    ),
    "replay_sample": N_("{count} of {all} labelled images were compared, an even sample."),
    "replay_unreadable": N_("{count} could not be read: {names}"),
    "thresholds_invalid": N_("Thresholds are numbers above 0. Enter both."),
    "thresholds_crossed": N_(
        "Review begins at {review_at} and NG at {reject_at}: NG must not begin before Review. Raise NG or lower Review."
    ),
    "thresholds_need_reason": N_("Say why you change the thresholds."),
    "thresholds_changed": N_(
        "Somebody else has set the thresholds meanwhile: Review from {review_at}, NG from {reject_at}. Compare again."
    ),
    "thresholds_nothing_to_undo": N_("These are the first thresholds of this version: there is nothing to undo."),
    "refusal_needs_reason": N_("Say why you refuse this version."),
    "version_not_candidate": N_("Version {number} does not wait to be put into use: there is nothing to refuse."),
}
