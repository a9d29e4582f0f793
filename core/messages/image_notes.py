"""Sentences of what was made right in an image or a mask, or looks wrong about it, by the code of the note."""

from core.i18n import N_

IMAGE_NOTES: dict[str, str] = {
    "trailing_data": N_("The file has data after the image; it was ignored."),
    "rotated": N_("The image was turned upright as the camera noted."),
    "first_frame": N_("The file has several images; the first one was taken."),
    "alpha_ignored": N_("The image's transparency was ignored."),
    "alpha_flattened": N_("Transparent places were drawn on white."),
    "cmyk_converted": N_("The print colours were converted to screen colours."),
    "sixteen_bit": N_("The 16-bit image was brought to 8 bits."),
    "low_range": N_(
        "The 16-bit image uses at most 12 of its bits and looks nearly black: set the bit depth to that of the camera "
        "(12 or 10) on Preprocessing."
    ),
    "depth_clipped": N_(
        "The image has values beyond the bit depth that is set; they were cut off to the brightest. "
        "Set a greater bit depth on Preprocessing."
    ),
    "float_range": N_("The image's decimal values were brought to 8 bits."),
    "code_filled": N_("Lot or serial number were read from the code in the image."),
    "code_differs": N_(
        "The code in the image names another lot or serial number than was given. What was given was kept."
    ),
    "code_not_read": N_(
        "There is a code in the image, but it names no lot and no serial number by the product's rule."
    ),
    "code_several": N_(
        "Codes in the image name different lots or serial numbers: none was taken. Show one part alone, or type it in."
    ),
    "mask_inverted": N_("The mask covers {percent} % of the image: inverted?"),
}
# What a person should look at, and not only know.
TO_CHECK = ("low_range", "depth_clipped", "mask_inverted")
