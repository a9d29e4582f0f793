"""Sentences of how views are combined."""

from core.i18n import N_

FUSION_MESSAGES: dict[str, str] = {
    "fusion_nothing_to_combine": N_("There is no view to combine. Add a view to the product first."),
    "fusion_parts_missing": N_(
        "Weights are fitted to good and defective parts that every view shows, and there are not both. "
        "Register such parts, or type the weights."
    ),
    "fusion_rules_let_pass": N_(
        "By these rules a part would be good although {views} is certain of a defect. Add a rule for it."
    ),
    "fusion_rules_missing": N_("There is no rule yet. Add at least one, or choose another way to combine the views."),
    "fusion_thresholds_invalid": N_(
        "The combined thresholds must lie above 0 and up to 1, Review no higher than NG: {review_at} and {reject_at} "
        "do not."
    ),
    "fusion_value_invalid": N_('A rule compares "{view}" with a probability above 0 and up to 1, not with {value}.'),
    "fusion_view_unknown": N_('The product has no view "{view}". It has: {views}.'),
    "fusion_votes_invalid": N_("Of {views} views, {votes} cannot be asked for. Choose a number from 1 to {views}."),
    "fusion_weights_invalid": N_("Weights must be numbers of 0 or more, and at least one of them above 0."),
    "score_calibration_empty": N_(
        "Without scores of good pictures no probability can be told. Build the memory bank of this view again."
    ),
    "score_calibration_invalid": N_(
        "How scores become probabilities cannot be read. Save how the views are combined once more."
    ),
    "fusion_without_views": N_("{product} has no views. Add views to the product before saying how to combine them."),
    "fusion_unreadable": N_("This is neither YAML nor JSON ({detail}). Correct the text and try again."),
    "fusion_not_a_mapping": N_('Write names with their values, such as "method: voting".'),
    "fusion_key_unknown": N_('There is no setting "{key}". Possible are: {keys}.'),
    "fusion_field_invalid": N_('The setting "{key}" cannot be {value}. Possible: {allowed}.'),
    "fusion_rule_unreadable": N_(
        'The rule "{rule}" cannot be read. Write it as "if ct >= 0.5 and rgb < 0.5 then internal".'
    ),
    "fusion_needs_reason": N_("Say why the views are combined otherwise. The reason is kept in the history."),
    "fusion_changed": N_(
        "Somebody else has changed how the views are combined in the meantime. Look at what is in force now, and decide "
        "again."
    ),
    "fusion_nothing_to_undo": N_("Nothing was in force before this. There is nothing to undo."),
    "fusion_file_missing": N_('There is no file "{path}". Check the path.'),
    "inspection_needs_views": N_(
        "A part of {product} is inspected by several views ({views}). Give a picture of each view."
    ),
    "product_without_views": N_("{product} has no views. Inspect a part of it by one picture."),
    "views_without_pictures": N_("There is no picture of the part. Give one of each view: {views}."),
    "views_too_many_pictures": N_("A part has at most {limit} pictures, all views together. Leave some out."),
    "view_model_changed": N_("Another model came into use while this picture was inspected. Inspect the part again."),
    "file_names_no_view": N_(
        'The name of "{name}" does not say one view of the part. Name it such as "P001_{view}.png", or put it to a view.'
    ),
    "inspect_without_files": N_("There is nothing to inspect. Give image files, or --view with a file for each view."),
    "view_argument_wrong": N_('"{given}" names no view and file. Write it as "--view ct=FILE".'),
    "fusion_outdated": N_(
        "The product has other views than the rule knows. Until another is saved, any view that finds a defect counts."
    ),
    "fusion_stale": N_(
        "The models of {views} have changed since the calibration. The next inspection calibrates them again."
    ),
    "fusion_unbuilt": N_("{views}: no model yet. Build the memory bank; until then parts go to a person."),
    "fusion_no_parts": N_(
        "No labeled part was taken in all required views, so nothing says what the rule would do. Name the parts of the "
        "images on Normal images and Defect images."
    ),
    "fusion_effect_on_test": N_(
        "On the test parts: overkill {overkill}, escape {escape}, good parts to a person {review}, named rightly {named}"
    ),
    "fusion_effect_on_fitting": N_(
        "On the parts that the probabilities were fitted to (there are no test parts; expect worse on new ones): overkill "
        "{overkill}, escape {escape}, good parts to a person {review}, named rightly {named}"
    ),
}
