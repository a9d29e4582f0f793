"""Sentences of methods that are trained on a dataset version."""

from core.i18n import N_

METHOD_TRAINING_MESSAGES: dict[str, str] = {
    "method_name_unknown": N_('There is no method "{name}". There are: {choices}.'),
    "method_not_trained": N_('The method "{name}" is not trained: it is asked as it is.'),
    "method_needs_training": N_('The method "{name}" has to be trained on a dataset version first.'),
    "method_option_unknown": N_('The method "{method}" has no setting "{field}". It has: {choices}.'),
    "method_option_out_of_range": N_(
        'The setting "{field}" of the method "{method}" cannot be {value}: it is a number from {lowest} to {highest}.'
    ),
    "method_option_no_choice": N_(
        'The setting "{field}" of the method "{method}" cannot be {value}. There are: {choices}.'
    ),
    "method_no_good_images": N_(
        "The dataset version has {found} good images to train on; the method needs {needed}. Add normal images to the "
        "training split and make a new version."
    ),
    "method_no_validation_images": N_(
        "The dataset version has no good images for validation, so no threshold can be chosen. Make a new version "
        "whose validation split has some."
    ),
    "method_one_label": N_(
        "The training images have one label only ({label}). A classifier needs two or more: add images of another type "
        "or of good parts."
    ),
    "classifier_one_label": N_(
        "Of the images that can be read, all have one label ({found}). A classifier needs two or more."
    ),
    "training_failed": N_(
        "The training failed in epoch {epoch}: its loss is no number. Train with another seed, or fewer epochs."
    ),
    "method_weights_missing": N_(
        "{model} needs the file with the weights of {network} ({source}), which is not here. Add it: {command}"
    ),
    "outside_images_missing": N_(
        "{model} needs a folder with {needed} or more everyday pictures that show nothing of the product, which is not "
        "here. Add it: {command}"
    ),
    "outside_images_few": N_(
        'The folder "{folder}" holds {found} different pictures that can be read; {needed} or more are needed. Add more '
        "everyday photographs that show nothing of your products."
    ),
    "outside_images_many": N_(
        'The folder "{folder}" holds {found} different pictures; at most {limit} are taken. Choose some of them.'
    ),
    "teacher_archive_unknown": N_(
        "The file \"{name}\" is neither the archive with EfficientAD's teachers that anomalib's authors publish (its hash "
        "is another) nor a .safetensors file. Add that archive as it is."
    ),
    "anomalib_missing": N_(
        "{model} needs the package anomalib, which is not installed. Install it: pip install anomalib"
    ),
    "anomalib_failed": N_("{model} could not be trained: {detail}. The log of the worker has the details."),
    "anomalib_memory": N_(
        "Training {model} took more memory than there is or than it may take ({limit_gb} GB). Choose a smaller input "
        "size."
    ),
    "anomalib_timeout": N_(
        "Training {model} was ended after {limit_s} s. Choose fewer epochs or a smaller input size; started again, it "
        "goes on from the last whole epoch."
    ),
    "anomalib_silent": N_(
        "The training of {model} has not been heard of for {limit_s} s and was ended. Started again, it goes on from "
        "the last whole epoch."
    ),
    "dataset_version_unknown": N_("There is no dataset version {number}."),
}
