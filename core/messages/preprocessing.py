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
    # What a build chose to look at the images with
    "input_compared_labeled": N_(
        "The build compared ways of looking at the images on {n_normal} good parts and {n_defect} labeled "
        "defects, by AUROC: as they are {plain}, local contrast fine {fine} and coarse {coarse}."
    ),
    "input_compared_made_up": N_(
        "The build compared ways of looking at the images on {n_normal} good parts and {n_defect} made-up "
        "defects, by AUROC: as they are {plain}, local contrast fine {fine} and coarse {coarse}."
    ),
    "input_enough_labeled": N_(
        "Seen as they are, the images tell {n_defect} labeled defects from {n_normal} good parts with an AUROC of {plain}: "
        "no other way of looking at them could gain enough."
    ),
    "input_enough_made_up": N_(
        "Seen as they are, the images tell {n_defect} made-up defects from {n_normal} good parts with an AUROC of {plain}: "
        "no other way of looking at them could gain enough."
    ),
    "input_compared_larger": N_("At a larger input (448 px): {larger}."),
    "input_no_gain": N_(
        "It kept the images as they are: another way must be better by {gain} at least, and {sureness} % sure."
    ),
    "input_took_fine": N_(
        "It chose fine local contrast (windows of a twelfth of the side), because that is better by {gain} "
        "({sureness} % sure)."
    ),
    "input_took_coarse": N_(
        "It chose coarse local contrast (windows of a quarter of the side), because that is better by {gain} "
        "({sureness} % sure)."
    ),
    "input_took_larger": N_(
        "It chose the larger input, because that is better by {gain} ({sureness} % sure); an inspection takes about "
        "twice as long."
    ),
    "input_few_images": N_(
        "Ways of looking at the images were not compared, and they are seen as they are: that takes at least 12 good "
        "images of at least 4 parts."
    ),
    "input_tiles": N_(
        "Ways of looking at the images were not compared, and they are seen as they are: the product is inspected in "
        "tiles."
    ),
    "advice_needs_images": N_(
        "{product} has {count} normal training images that can be read, and {needed} are needed to compare the options. Register more."
    ),
}
