"""Sentences of the manual library and of the manual index; those that begin with `log_` are lines of a job's log."""

from core.i18n import N_

MANUAL_MESSAGES: dict[str, str] = {
    "manual_duplicate": N_("{name} is already here as “{existing}”. It was not stored a second time."),
    "manual_unknown": N_("There is no manual {number}. The list of manuals names them by number."),
    "manual_unreadable": N_("{name} cannot be read from its place. Check the file and its permissions."),
    "manual_language_unknown": N_("The language of a manual must be one of: {choices}."),
    "manual_product_inactive": N_("{product} was deactivated. Activate it again to add manuals."),
    "manual_title_missing": N_("The manual has no title. Enter one."),
    "manual_title_too_long": N_("The title is too long. Shorten it to at most {highest} characters."),
    "manual_object_missing": N_(
        "The file of {name} is missing from the object store. Delete the manual and add it again."
    ),
    "manual_object_damaged": N_(
        "The file of {name} is not the one that was taken in. Delete the manual and add it again."
    ),
    "no_manuals": N_("{product} has no manuals. Add one first."),
    "no_usable_manuals": N_("None of the manuals of {product} could be read. Check them on the manuals screen."),
    "log_manuals_started": N_("{product}: reading {n_manuals} manuals with {n_pages} pages"),
    "log_manual_skipped": N_("{product}: left out. {reason}"),
    "log_manual_pages": N_("{product}: {name} has {count} pages without text: {pages}"),
    "log_manual_ocr": N_("{product}: {name} has {count} pages that were read by text recognition (OCR): {pages}"),
    "log_passages_split": N_("{product}: {n_passages} passages from {n_pages} pages"),
    "log_index_retired": N_("{product}: the index is out of use, because there is no manual any more"),
}
