"""Sentences of the choice of models and of their weights."""

from core.i18n import N_

MODEL_MESSAGES: dict[str, str] = {
    "model_unknown": N_('There is no model called "{name}". Choose one of the list.'),
    "model_option_unknown": N_('This model has no option "{field}". Leave it out.'),
    "model_option_invalid": N_(
        'The option "{field}" cannot be {value}. Choose a whole number from {lowest} to {highest}.'
    ),
    "model_trial_without_images": N_("{product} has no normal images to try the model on. Register at least one."),
    "detector_unknown": N_('This version knows no detector "{name}". Deploy the product again.'),
    "embedder_unknown": N_('This version knows no embedder "{name}". Build the similarity index again.'),
    "weights_name_unknown": N_('There is no network called "{name}". Choose one of: {choices}.'),
    "backbone_weights_format": N_(
        "Weights of {name} are taken in as a .safetensors file only, because other formats can run code. "
        "Choose such a file, for example model.safetensors of the same name at timm's."
    ),
    "weights_too_large": N_("{name} is larger than {limit_gb} GB. Choose the file with the weights alone."),
    "weights_already_here": N_(
        "Other weights of {name} are already here, and models were built with them. To replace them, remove {path}, "
        "add the file again and deploy all products."
    ),
    "weights_not_fetchable": N_(
        "The weights of {name} cannot be fetched: their publisher gives no hash to prove them by. "
        "Add the .safetensors file by hand; it is kept in {folder}."
    ),
    "weights_no_network": N_(
        "The weights of {name} could not be fetched from {url}. Check the network, or add the file by hand."
    ),
    "weights_hash_wrong": N_(
        "What came from {url} is not the published file of {name}, and was thrown away. Try again, or add the file by hand."
    ),
    "image_map_without_index": N_(
        "This product has no similarity index yet. Build it: the map shows the images that are in it."
    ),
    "text_search_empty": N_("Say what to look for."),
    "text_search_too_long": N_("At most {limit} characters can be searched for."),
    "text_search_untranslated": N_(
        "These words are not known: {words}. Use the name of a defect type, or write them in English."
    ),
    "text_search_needs_clip": N_(
        "Only an index made with a CLIP model can be searched by words. Choose CLIP under Models, then build the "
        "similarity index."
    ),
    "weights_folder_closed": N_('The folder for weights, "{folder}", cannot be written. Check its permissions.'),
}
