"""Sentences of the history of inspections: reviews, and what is learned from them."""

from core.i18n import N_

HISTORY_MESSAGES: dict[str, str] = {
    "review_not_waiting": N_("Inspection no. {number} does not wait for a review any more: somebody has decided it."),
    "review_own_override": N_(
        "You changed the verdict of inspection no. {number} yourself. Another person, or a quality engineer, confirms it."
    ),
    "learning_not_decided": N_(
        "Inspection no. {number} is still in review. Decide whether the part is OK or NG, then add it to the images."
    ),
    "learning_not_confirmed": N_(
        "The verdict of inspection no. {number} was changed and nobody has confirmed it yet. Confirm it in the review "
        "queue, then add the part to the images."
    ),
    "learning_image_changed": N_(
        "The stored picture of inspection no. {number} is not the one that was inspected: its hash differs. It was not "
        "added to the images."
    ),
    # the check of the system status
    "check_counts": N_("Inspections: {count}. The counts behind charts and reports agree with them."),
    "check_counts_open": N_(
        "Inspections are being counted anew. Until that is done, charts and reports are right, but take longer."
    ),
    "check_counts_wrong": N_(
        "The counts behind charts and reports are not those of the inspections of {day} (counted: {counted}, there: {there}). "
        "Count anew: python -m core doctor --repair"
    ),
    "check_counts_total": N_(
        "The counts behind charts and reports are not those of the inspections (counted: {counted}, there: {there}). "
        "Count anew: python -m core doctor --repair"
    ),
}
