"""What every setting of a training is called, and what it does: msgids by `section.field`."""

from __future__ import annotations

from core.i18n import N_

SECTION_TITLES: dict[str, str] = {
    "": N_("Training run"),
    "data": N_("Data"),
    "model": N_("Model"),
    "input": N_("Input"),
    "augmentation": N_("Augmentation"),
    "training": N_("Optimization"),
    "threshold": N_("Threshold"),
    "report": N_("Goals and report"),
    "limits": N_("Limits"),
}
# Label and explanation.
FIELD_WORDS: dict[str, tuple[str, str]] = {
    "version": (N_("Version of the configuration"), N_("Which settings there are. This program knows one version.")),
    "product": (N_("Product"), N_("The code of the product whose images are learned from.")),
    "task": (
        N_("Task"),
        N_("What the network says of an image: its class, where each defect is pixel by pixel, or boxes."),
    ),
    "name": (N_("Name"), N_("What the run is called. Left empty, its key values make up the name.")),
    "experiment": (N_("Experiment"), N_("Runs that belong together, so that they stand side by side.")),
    "seed": (N_("Seed"), N_("The same seed with the same images and settings gives the same network.")),
    "data.dataset": (
        N_("Dataset version"),
        N_("The number of the frozen images. Empty: the newest whole one, or a new one where there is none."),
    ),
    "data.view": (N_("View of the product"), N_("Which view of the product is learned, for products with several.")),
    "data.labels": (N_("Classes"), N_("The codes of the classes to learn. Empty: all of them.")),
    "data.least_images": (
        N_("Least images of a class"),
        N_("A class with fewer training images is left out, and the run says so."),
    ),
    "data.val_share": (
        N_("Share for validation"),
        N_("Where no image is set apart for validation: how large a share of the parts is."),
    ),
    "data.test_share": (
        N_("Share for the test"),
        N_("Where no image is set apart for the test: how large a share of the parts is."),
    ),
    "data.domains": (
        N_("Weights of domains"),
        N_("How often images of a domain (studio, line, field) are drawn: 1 as they are, 0 not at all."),
    ),
    "model.recipe": (N_("Recipe"), N_("How the network is trained.")),
    "model.backbone": (N_("Network"), N_("The network that training begins with.")),
    "model.scratch": (
        N_("From scratch"),
        N_("Begin with random weights instead of a weights file. Needs many more images."),
    ),
    "model.adapter": (N_("Adapter"), N_("The trainer outside of this program that does the work.")),
    "model.options": (N_("Options of the recipe"), N_("Settings that only this recipe or adapter knows.")),
    "input.width_px": (
        N_("Input width (px)"),
        N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    ),
    "input.height_px": (
        N_("Input height (px)"),
        N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    ),
    "input.resize": (
        N_("Fitting into the input"),
        N_("Stretched fills the input; with borders keeps the proportions and fills the rest with gray."),
    ),
    "augmentation.flip_horizontal": (N_("Mirror left and right"), N_("Only where a mirrored part is a part as well.")),
    "augmentation.flip_vertical": (N_("Mirror top and bottom"), N_("Only where a mirrored part is a part as well.")),
    "augmentation.rotation_deg": (N_("Rotation (°)"), N_("The largest turn either way.")),
    "augmentation.scale": (N_("Scale"), N_("The largest change of size either way, as a share.")),
    "augmentation.translation": (N_("Shift"), N_("The largest shift either way, as a share of the side.")),
    "augmentation.brightness": (N_("Brightness"), N_("The largest change either way, as a share.")),
    "augmentation.contrast": (N_("Contrast"), N_("The largest change either way, as a share.")),
    "augmentation.saturation": (
        N_("Saturation"),
        N_("The largest change either way, as a share. Leave it at 0 where color tells the classes apart."),
    ),
    "augmentation.hue": (
        N_("Hue"),
        N_("The largest change either way, as a share. Leave it at 0 where color tells the classes apart."),
    ),
    "augmentation.noise": (N_("Noise"), N_("The strength of camera noise, as a share of full scale.")),
    "augmentation.blur": (N_("Blur"), N_("How likely an image is made soft.")),
    "augmentation.erasing": (N_("Erasing"), N_("How likely a rectangle of the image is blotted out.")),
    "augmentation.mixup": (N_("Mixup"), N_("How strongly two images are laid over each other; 0 for never.")),
    "augmentation.cutmix": (N_("CutMix"), N_("How strongly a piece of one image is put into another; 0 for never.")),
    "training.epochs": (N_("Epochs"), N_("How often every training image is seen, at the most.")),
    "training.batch_size": (N_("Batch size"), N_("Images that are computed together. More need more memory.")),
    "training.accumulate": (
        N_("Batches a step"),
        N_("So many batches make one step: as a larger batch, with the memory of a small one."),
    ),
    "training.learning_rate": (
        N_("Learning rate"),
        N_("How far one step goes. Too high and the loss jumps, too low and it takes long."),
    ),
    "training.weight_decay": (N_("Weight decay"), N_("Keeps weights small, against learning by heart.")),
    "training.warmup_epochs": (N_("Warm-up (epochs)"), N_("How long the learning rate rises from 0 to its value.")),
    "training.label_smoothing": (
        N_("Label smoothing"),
        N_("How much doubt is left in every label; some helps where labels are not all right."),
    ),
    "training.clip_norm": (N_("Gradient clipping"), N_("The longest step that is allowed; 0 for any.")),
    "training.patience": (
        N_("Patience (epochs)"),
        N_("After so many epochs without a better one the training ends; 0 for never."),
    ),
    "training.trained_stages": (
        N_("Trained stages"),
        N_("How many of the last stages of the network are trained with its head."),
    ),
    "training.mixed_precision": (
        N_("Mixed precision"),
        N_("Faster and smaller on a GPU; nothing changes without one."),
    ),
    "training.processes": (N_("Devices"), N_("How many GPUs train side by side.")),
    "threshold.method": (
        N_("Choice of the threshold"),
        N_("Best F1 on validation, or a fixed value."),
    ),
    "threshold.value": (
        N_("Fixed threshold"),
        N_("From which probability on a part, a box or a pixel counts; used where the threshold is fixed."),
    ),
    "report.goals": (
        N_("Goals"),
        N_("What the figures of the test should reach at least; the run says which were met."),
    ),
    "report.failed_examples": (
        N_("Failed examples kept"),
        N_("How many wrongly predicted images are kept with their maps, to be looked at."),
    ),
    "limits.minutes": (
        N_("Time limit (minutes)"),
        N_("The training ends with its best epoch after so long; 0 for no limit."),
    ),
    "limits.memory_gib": (N_("Memory limit (GiB)"), N_("0 for the limit of the settings.")),
}
# Words of choices.
CHOICE_WORDS: dict[str, str] = {
    "classification": N_("Classification"),
    "segmentation": N_("Segmentation"),
    "detection": N_("Detection"),
    "stretch": N_("Stretched"),
    "letterbox": N_("With borders"),
    "f1_max": N_("Best F1 on validation"),
    "fixed": N_("Fixed value"),
}
