"""Sentences of models that see and are asked in words, of grounding networks, and of second opinions."""

from core.i18n import N_

VISUAL_QUESTIONS_MESSAGES: dict[str, str] = {
    "grounding_config_unreadable": N_(
        'The file "{file}" in "{folder}" cannot be read. Add the folder as it was published.'
    ),
    "grounding_file_missing": N_('The folder "{folder}" lacks the file "{file}". Add the folder as it was published.'),
    "grounding_folder_missing": N_('There is no folder "{folder}". Check the path.'),
    "grounding_phrases_missing": N_(
        "The product has no defect type to look for. Register its defect types, each with a phrase."
    ),
    "grounding_unknown": N_('There is no grounding network called "{name}". There are: {choices}.'),
    "grounding_unreadable": N_(
        'The network in "{folder}" cannot be loaded ({detail}): its weights do not fit its configuration. Add the '
        "folder as it was published."
    ),
    "grounding_unsafe_files": N_(
        '"{folder}" holds files that can run code, or links: {files}. Add a folder with safetensors weights and '
        "settings only."
    ),
    "grounding_weights_missing": N_("No grounding network is here. Add one with: {command}"),
    "grounding_wrong_kind": N_('"{folder}" holds a "{found}", not {expected}. Check the name and the folder.'),
    "language_unknown": N_('The language "{value}" is not known. There are: {choices}.'),
    "modality_unknown": N_('There is no kind of picture "{value}". There are: {choices}.'),
    "prompt_changed": N_("Somebody saved version {number} of this text meanwhile. Look at it, then save again."),
    "prompt_too_long": N_("The text is too long. Shorten it to at most {limit} characters."),
    "prompt_unknown": N_("There is no version {number} of this text."),
    "second_opinion_not_chosen": N_(
        "No method is chosen for second opinions on this product. An engineer chooses one under Products."
    ),
    "second_opinion_unknown": N_('A second opinion cannot come from "{value}". Choose one of the list.'),
    "second_opinion_view_missing": N_('The method judges the view "{view}", and this inspection has no picture of it.'),
    "visual_answer_box_outside": N_("The model marked a place outside the picture."),
    "visual_answer_contradicts": N_("The model's verdict and the type that it names ({name}) contradict each other."),
    "visual_answer_not_json": N_("The model's answer was not of the agreed form, so it counts as none."),
    "visual_answer_type_unknown": N_("The model named a type that the product does not have: {name}"),
    "visual_answer_wrong_field": N_('The field "{field}" of the model\'s answer was not of the agreed form.'),
    "vlm_boxes_unknown": N_("Boxes are written in one of these ways: {choices}."),
    "vlm_name_invalid": N_("This is no name of a model. Leave out spaces; at most {limit} characters."),
    "vlm_name_missing": N_("Say which model is to be asked: its name at the server."),
    "vlm_needs_address": N_(
        "The address of the server with the model that sees is not known. Set the variable {variable} on the server "
        "and start the program again."
    ),
    "vlm_needs_key": N_(
        "Claude needs a key to look at pictures. Set the variable {variable} on the server and start the program again."
    ),
    "vlm_not_chosen": N_(
        "A model that sees can be reached, but none is chosen. An engineer chooses one under Models; until then no "
        "picture is sent."
    ),
    "vlm_not_set_up": N_(
        "No model that sees is set up. Set GEOMSA_VLM_BASE_URL (a server of your own) or ANTHROPIC_API_KEY on the "
        "server, start the program again, and choose the model under Models."
    ),
    "vlm_server_unknown": N_('There is no server of models called "{name}". There are: {choices}.'),
}
