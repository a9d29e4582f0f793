"""Sentences of methods that are trained and compared."""

from core.i18n import N_

COMPARISONS_MESSAGES: dict[str, str] = {
    "comparison_unreadable": N_("The comparison is neither readable YAML nor JSON: {detail}."),
    "comparison_not_a_mapping": N_("A comparison is a list of settings: “methods:” and what belongs to it."),
    "comparison_key_unknown": N_("A comparison has no setting “{key}”. Possible here: {keys}."),
    "comparison_field_invalid": N_("The setting “{key}” of a comparison cannot be {value}."),
    "comparison_without_methods": N_("Choose at least one method to compare."),
    "comparison_too_many": N_("At most {highest} methods and combinations can be compared at once."),
    "comparison_name_twice": N_("Two methods are called “{name}”: give each a name of its own."),
    "comparison_member_unknown": N_(
        "The combination “{name}” takes view {view} from “{member}”, which is not among the methods or does not judge that view."
    ),
    "comparison_view_unknown": N_(
        "The images of this dataset version do not show the view “{view}”. They show: {views}."
    ),
    "comparison_without_product": N_("Say which product is compared: “product:” with its code."),
    "comparison_without_test": N_(
        "Dataset version {number} has no good or no defective images in its test split, so nothing can be compared on it. Add some and make a new version."
    ),
    "comparison_nothing_left": N_("This comparison is not one that failed: there is nothing to go on with."),
    "comparison_not_finished": N_("The comparison has not ended yet: its results come when it has."),
    "comparison_canceled": N_("The comparison was canceled: what is trained and predicted stays."),
    "comparison_file_unreadable": N_("{file_name} cannot be read as text."),
    "comparison_folder_unwritable": N_("Nothing can be written into {folder}."),
    "comparison_image_elsewhere": N_("The comparison has no prediction of this image."),
    "comparison_method_failed": N_("{name} could not be asked: {reason}"),
    "comparison_no_prediction": N_("The method gave no prediction of this image."),
    "comparison_member_failed": N_("View {view} has no prediction, so the part was not judged."),
    "comparison_log_began": N_("{name}: {count} images"),
    "comparison_log_trained": N_("{name}: trained in {seconds} s"),
    "comparison_log_known": N_("{name}: trained before, used again"),
    "comparison_log_done": N_("{name}: {count} images judged, {errors} without a prediction"),
    "comparison_log_failed": N_("{name}: failed, the others go on"),
}
