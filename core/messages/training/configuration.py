"""Sentences about configurations of trainings. `{at}` names the line of a text, and is empty elsewhere."""

from core.i18n import N_

CONFIGURATION_MESSAGES: dict[str, str] = {
    "recipe_unknown": N_("There is no recipe “{name}”. There are: {choices}."),
    "config_not_a_mapping": N_(
        "{at}A configuration is a list of settings: “product:”, “task:” and what belongs to them."
    ),
    "config_section_not_a_mapping": N_("{at}“{field}” is a group of settings: write them indented below it."),
    "config_key_unknown": N_("{at}There is no setting “{field}”. Possible here: {choices}."),
    "config_key_meant": N_("{at}There is no setting “{field}”. Did you mean “{nearest}”?"),
    "config_key_dotted": N_("{at}Write “{name}:” indented below “{section}:” instead of “{field}:”."),
    "config_version_newer": N_(
        "{at}This configuration has version {found}; this program knows versions up to {highest}. Update the program."
    ),
    "config_product_missing": N_("Say which product is trained: “product:” with its code."),
    "config_needs_whole": N_("{at}“{field}” must be a whole number from {lowest} to {highest}, not {value}."),
    "config_needs_number": N_("{at}“{field}” must be a number from {lowest} to {highest}, not {value}."),
    "config_needs_switch": N_("{at}“{field}” must be true or false, not {value}."),
    "config_needs_choice": N_("{at}“{field}” must be one of {choices}, not {value}."),
    "config_needs_text": N_("{at}“{field}” must be text, not {value}. Put it in quotes."),
    "config_text_invalid": N_(
        "{at}“{field}” must be one line of at most {highest} letters without control characters."
    ),
    "config_needs_list": N_("{at}“{field}” must be a list of at most {highest} codes, not {value}: [one, two]."),
    "config_label_twice": N_("{at}“{field}” names {value} twice, or a class without a name."),
    "config_needs_group": N_("{at}“{field}” must be values by name, not {value}."),
    "config_domain_unknown": N_("{at}“{field}” knows no domain {name}. There are: {choices}."),
    "config_domains_all_zero": N_("{at}“{field}” leaves out every domain: no image would be left to learn from."),
    "config_goal_invalid": N_("{at}“{field}” must be numbers by the name of a figure, not {name}."),
    "config_goal_unknown": N_("{at}“{field}” is no figure of the task {task}. Goals can be set for: {choices}."),
    "config_option_invalid": N_("{at}“{field}” can hold only short texts, numbers, switches and lists of them."),
    "config_shares_too_large": N_(
        "{at}Validation and test together can take at most {highest} of the parts: make “{field}” smaller."
    ),
    "config_too_large": N_("A configuration has at most {highest} KB."),
    "config_too_deep": N_("{at}The settings are nested too deeply for a configuration."),
    "config_syntax": N_(
        "{at}This cannot be read as YAML. Check the indentation, the colons and the quotes here and in the line before."
    ),
    "config_tab": N_("{at}YAML is indented by spaces: replace the tab."),
    "config_reference": N_("{at}Anchors and aliases (“&”, “*”) are not allowed in a configuration: write it out."),
    "config_tag": N_("{at}Tags (“!…”) are not allowed in a configuration."),
    "config_key_twice": N_("{at}“{field}” stands there twice."),
    "config_several": N_("{at}The text holds more than one configuration (“---”): keep one."),
    "config_recipe_unknown": N_("{at}There is no recipe {value}. For this task there are: {choices}."),
    "config_recipe_of_other_task": N_(
        "{at}The recipe “{recipe}” is not one of the task {task}. Choose one of: {choices}."
    ),
    "config_adapter_missing": N_(
        "{at}“{field}” belongs to the recipe “adapter”: name both, or leave the adapter empty."
    ),
    "config_backbone_unknown": N_("{at}There is no network {value} for this recipe. Choose one of: {choices}."),
    "config_label_unknown": N_(
        "{at}Dataset version {number} has no class {value} in this view. Its classes: {choices}."
    ),
    "config_view_without_images": N_(
        "Dataset version {number} has no images of the view {view}. Make a new version, or choose another view."
    ),
    "config_one_class": N_(
        "A classifier needs two classes with at least {lowest} training images each. There are: {found}."
    ),
    "config_without_marks": N_(
        "This task learns from drawn masks, and no type of defect has {lowest} training images with one. Draw masks on the defect images, then make a new dataset version."
    ),
    "config_warns_left_out": N_("Too few training images, left out: {classes}."),
    "config_warns_few": N_("Fewer than {lowest} training images, hardly learned: {classes}."),
    "config_without_val": N_(
        "No image is set apart for validation, so neither the best epoch nor the threshold can be chosen. Make a new dataset version with a share for validation."
    ),
    "config_warns_no_test": N_("No image is set apart for the test: the run will not say how good it is."),
    "config_warns_no_domain": N_("There are weights for {domains}, but no image was taken there."),
    "config_warns_small_test": N_("There are only {count} test parts: the test figures will be uncertain."),
    "config_warns_untested": N_("No test image shows {labels}: how well they are named stays unknown."),
    "config_warns_unmarked": N_("{count} of {total} defect images for training have no mask and are not learned from."),
    "run_image_gone": N_("The image with the number {number} was deleted since the training."),
}
