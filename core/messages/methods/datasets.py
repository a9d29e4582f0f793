"""Sentences of dataset versions."""

from core.i18n import N_

DATASETS_MESSAGES: dict[str, str] = {
    "dataset_unknown": N_("There is no dataset version {number}."),
    "dataset_none_yet": N_("{product_code} has no dataset version yet."),
    "dataset_without_images": N_(
        "The product has no images yet: add some before you freeze them as a dataset version."
    ),
    "dataset_without_good": N_(
        "The dataset version has no images of good parts: methods that learn from them cannot be compared. Add some, and make a new version."
    ),
    "dataset_share_invalid": N_("The share for validation or test must lie between 0% and {highest}."),
    "dataset_least_invalid": N_("The least number of images must lie between 1 and {highest}."),
    "dataset_domain_without_images": N_(
        "No image of the product was taken there. Choose other places, or say of its images where they were taken."
    ),
    "dataset_in_use": N_(
        "Dataset version {number} cannot be deleted: {count} trainings or comparisons stand on it. Delete those first."
    ),
    "dataset_image_in_training": N_(
        "{name} belongs to dataset version {number}, which a training is learning from now. Wait until it has ended, or cancel it first."
    ),
    "dataset_split_unknown": N_("There is no split “{split}”. There are: train, val, test."),
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
    "dataset_warns_no_good": N_(
        "It has no images of good parts: types can be told apart by it, but methods that learn from good parts cannot be compared."
    ),
    "dataset_warns_no_defects": N_(
        "It has no defects: kinds of good parts can be told apart by it, but nothing says how defects are found."
    ),
    "dataset_warns_few": N_("Some labels have fewer training images than asked for: {labels}."),
    "dataset_warns_near_copies": N_(
        "{count} images show nearly the same as one in another split: what is measured may be too good to be true."
    ),
    "dataset_warns_preprocessing": N_(
        "The preprocessing of the product was changed since: what is learned from this version is read as it was then."
    ),
}
