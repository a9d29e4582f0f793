"""Sentences about trainings: segmentation and detection."""

from core.i18n import N_

DENSE_MESSAGES: dict[str, str] = {
    "dense_backbone_unsuited": N_(
        "The backbone “{name}” has no fine levels, which segmentation and detection need. "
        "Choose an EfficientNet-Lite or a ResNet."
    ),
    "detector_weights_missing": N_(
        "The architecture “{name}” needs its weights in a folder of this machine. Give the folder, or choose “geomsa”."
    ),
    "detector_weights_unreadable": N_(
        "The detector's weights in “{folder}” cannot be used: {detail}. Give a folder with config.json and "
        "model.safetensors, or a safetensors file for RetinaNet."
    ),
    "marks_missing": N_("Nobody has marked where the defect is in this image. Draw a region on it, or leave it out."),
    "outputs_invalid": N_(
        "The network's outputs are not those that its description promises ({found}). Train or export it again."
    ),
    "training_marks_missing": N_(
        "None of the {count} training images shows where a defect is. Draw regions or boxes on the defect images, "
        "or import masks, and make a new dataset version."
    ),
}
