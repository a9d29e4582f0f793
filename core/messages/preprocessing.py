"""Sentences of a product's preprocessing and of the advice on it."""

from core.i18n import N_

PREPROCESSING_MESSAGES: dict[str, str] = {
    "preprocessing_no_area": N_("A rectangle has no area. Move its edges apart."),
    "preprocessing_changed": N_(
        "{who} changed the preprocessing of this product in the meantime. What you set here is kept; compare it with what is saved now and save again."
    ),
    "preprocessing_too_many_areas": N_("A product has at most {highest} ignored areas. Join some of them."),
    "tiles_not_supported": N_(
        "The chosen model cannot inspect in tiles. Choose another one on the models screen, or switch the tiles off in the preprocessing."
    ),
    "advice_needs_images": N_(
        "{product} has {count} normal training images that can be read, and {needed} are needed to compare the options. Register more."
    ),
}
