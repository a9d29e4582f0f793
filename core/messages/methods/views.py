"""Sentences of views of a product and of inspecting a part by several of them."""

from core.i18n import N_

VIEWS_MESSAGES: dict[str, str] = {
    "view_code_invalid": N_(
        'The code "{value}" cannot be used for a view. Use up to 32 small letters (a–z), digits, "-" and "_".'
    ),
    "view_code_taken": N_(
        'The product already has a view "{view_code}", in use or not. Choose another code, or bring that view back.'
    ),
    "view_name_missing": N_("The view has no name. Enter one."),
    "view_modality_unknown": N_('There is no kind of picture "{value}". Choose one of: {choices}.'),
    "view_found_as_unknown": N_('A defect is not called "{value}". Choose one of: {choices}.'),
    "view_too_many": N_("A product has at most {highest} views. Bring one back that is out of use, or change one."),
    "views_changed": N_("Somebody has added or removed a view meanwhile. Look at the views again, then order them."),
    "view_unknown": N_('{product} has no view "{view}". Its views: {codes}.'),
    "image_view_unknown": N_('The product has no view "{view}". Choose one of its views: {codes}.'),
    "view_without_views": N_("{product} has no views. Leave the view out."),
    "view_not_said": N_("{product} has several views. Say which one is meant: {codes}."),
    "version_without_view": N_(
        "Version {number} is of no view that the product has in use now, and cannot inspect. Choose a version of one of "
        "its views, or bring the view back."
    ),
    "version_of_view": N_(
        "Version {number} is of a view, and the product has none in use now. Bring the view back, or choose a version "
        "of the whole product."
    ),
    "images_without_view": N_(
        "{product}: {count} images have no view yet, and no model learns from them. Choose their view on Normal images "
        "or Defect images."
    ),
    "log_view_left_out": N_("{product}: left out, because {reason}"),
    "log_viewless_retired": N_(
        "{product}: version {number}, from before the product had views, is out of use now; it stays in the list."
    ),
}
