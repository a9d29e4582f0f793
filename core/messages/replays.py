"""Sentences of what would change: of the replay, of thresholds that a person sets, and of candidates that are refused."""

from core.i18n import N_

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
    "refusal_needs_reason": N_("Say why you refuse this version."),
    "version_not_candidate": N_("Version {number} does not wait to be put into use: there is nothing to refuse."),
}
