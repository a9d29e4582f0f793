"""Sentences of dataset versions."""

from core.i18n import N_

DATASETS_MESSAGES: dict[str, str] = {
    "dataset_unknown": N_("There is no dataset version {number}."),
    "dataset_none_yet": N_("{product_code} has no dataset version yet."),
    "dataset_without_images": N_(
        "The product has no images yet: add some before you freeze them as a dataset version."
    ),
    "dataset_without_good": N_(
        "The product has no images of good parts: add some before you freeze them as a dataset version."
    ),
    "dataset_share_invalid": N_("The share for validation or test must lie between 0% and {highest}."),
    "dataset_seed_invalid": N_("The seed must be a whole number between 0 and {highest}."),
    "dataset_image_gone": N_(
        "Dataset version {number} is broken: an image of it has been deleted. Put it back from the trash, or make a new version."
    ),
    "dataset_image_relabeled": N_(
        "Dataset version {number} is broken: an image of it has another label now. Make a new version."
    ),
    "dataset_mask_changed": N_(
        "Dataset version {number} is broken: a mask of it has been drawn anew. Make a new version."
    ),
    "dataset_warns_leaks": N_("Some parts had images in several splits: each part was kept together."),
    "dataset_warns_duplicates": N_("Some images are the same pixel by pixel: they count as one part."),
    "dataset_warns_suspected": N_(
        "Some good images do not look like the others, and nobody has decided about them yet."
    ),
    "dataset_warns_unlabeled": N_("Some good images have no kind, though the product has kinds of good parts."),
    "dataset_warns_uneven": N_(
        "The classes are uneven: the largest has at least ten times the training images of the smallest."
    ),
    "dataset_warns_unlearned": N_("A type has no training image: no method can learn it."),
    "dataset_warns_no_test": N_("The test split lacks good or defective images: methods cannot be measured by it."),
    "dataset_warns_small_test": N_("The test split has few parts: the figures will be unsure."),
    "dataset_warns_no_val_defects": N_("The validation split has no defects: thresholds come from good images alone."),
    "dataset_warns_no_val_good": N_("The validation split has no good images: no threshold can be chosen by it."),
}
