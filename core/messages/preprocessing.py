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
    "notice_dark_images": N_(
        "Images that look nearly black because they use only {bits} of 16 bits: {count}. Set the bit depth to {bits} on Preprocessing."
    ),
    "notice_clipped_images": N_(
        "Images with values beyond the {depth} bits that are set: {count}. Set the bit depth to {bits} on Preprocessing."
    ),
    "notice_small_defects": N_(
        "Images of {width_px} × {height_px} px are inspected at once: defects below about {smallest_px} px may be lost. Set tiles of {tiles} px (width × height) on Preprocessing: they show defects from about {visible_px} px on."
    ),
    "advice_needs_images": N_(
        "{product} has {count} normal training images that can be read, and {needed} are needed to compare the options. Register more."
    ),
}
