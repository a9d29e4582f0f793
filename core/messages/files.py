"""Sentences of images, archives and folders that are uploaded."""

from core.i18n import N_

FILE_MESSAGES: dict[str, str] = {
    # images that are refused
    "image_empty": N_("{name} is empty (0 bytes). Copy the file again."),
    "image_not_an_image": N_("{name} is not an image. Choose a JPG, PNG, BMP, TIFF or WebP file."),
    "image_unsupported_format": N_("{name} has a format that is not taken in ({format}). Save it as PNG or JPG."),
    "image_truncated": N_("{name} is cut off: its end is missing. Copy the file again."),
    "image_damaged": N_("{name} is damaged and cannot be read. Copy the file again, or save it anew as PNG."),
    "image_too_many_bytes": N_("{name} is larger than 50 MB. Save it smaller, or as JPG."),
    "image_too_many_pixels": N_("{name} has more than 100 megapixels. Save it smaller."),
    "image_polyglot": N_("{name} holds a second file inside the image ({second}). Save the image anew and try again."),
    "image_wrong_ending": N_(
        '{name} ends in "{ending}", but its content is {format}. Rename it so that it ends in: {expected}.'
    ),
    "image_wrong_shape": N_("{name} has pixels of a kind that cannot be inspected. Save it as an 8-bit image."),
    "image_unreadable": N_("{name} cannot be read from its place. Check the file and its permissions."),
    "image_duplicate": N_("{name} is already here as {existing}. It was not stored a second time."),
    # the image library
    "image_type_unknown": N_('The kind of image must be "normal" or "defect". Choose one of them.'),
    "image_split_unknown": N_('The split must be "train" or "test". Choose one of them.'),
    "defect_type_missing": N_("Defect images need a defect type of this product. Choose one."),
    "defect_type_not_wanted": N_("Normal images have no defect type. Leave it empty."),
    "image_changed": N_(
        "Somebody else changed {name} since you saw it. Nothing was done. Look at it once more, and decide again."
    ),
    "images_set_apart": N_(
        "{product}: set apart, because they do not look like the other normal images ({count}): {names}. Decide on each on Normal images: keep it, move it to the defects, or delete it."
    ),
    "images_unlike_others": N_(
        "{product}: {found} of {count} new normal images do not look like the others: {names}. Decide on each on Normal images."
    ),
    "intake_check_too_many": N_(
        "{product}: the new normal images were not compared with the model in use, because they are many. The next deployment does it."
    ),
    "intake_check_too_slow": N_(
        "{product}: not all of the new normal images were compared with the model in use, to save time. The next deployment does it."
    ),
    "image_not_suspected": N_("{name} does not wait for a decision any more. Nothing was done."),
    "image_not_kept": N_("{name} is not kept as good any more. Nothing was done."),
    "no_images_chosen": N_("No images are chosen. Choose at least one."),
    # masks
    "mask_without_image": N_("{name} is a mask, but its image is not here. Add the image with the same name, too."),
    "mask_of_normal_image": N_("{name} marks a defect, but its image is a normal one. Label it as defect first."),
    "mask_wrong_size": N_(
        "{name} has {width_px} × {height_px} px, but its image has {image_width_px} × {image_height_px}. "
        "Draw the mask on the image itself."
    ),
    "mask_empty": N_("{name} marks nothing: every pixel is black. Draw the defect in white."),
    # archives
    "archive_not_zip": N_("{name} is not a ZIP file. Pack the images as ZIP and try again."),
    "archive_damaged": N_("{name} is damaged or cut off. Pack it again."),
    "archive_too_many_entries": N_("{name} holds more than {limit} files. Split it into several ZIP files."),
    "archive_too_large": N_("{name} unpacks to more than {limit_gb} GB. Split it into several ZIP files."),
    "archive_overlapping": N_("{name} was refused: its files overlap each other. Pack it again with another program."),
    "archive_entry_damaged": N_("{name} is damaged inside the ZIP file. Pack it again."),
    "archive_encrypted": N_("{name} is encrypted. Pack it without a password."),
    "archive_link": N_("{name} is a link and not a file. Pack the file itself."),
    "archive_nested": N_("{name} is an archive inside the archive. Unpack it first, or add it by itself."),
    "archive_ratio": N_("{name} is packed more than 200 times, like a ZIP bomb. Add the file unpacked."),
    "archive_unsafe_name": N_("{name} has a name that points outside the archive. Rename it and pack it again."),
    "archive_duplicate_name": N_(
        "{name} is in the ZIP file twice; only the first was read. Give them different names."
    ),
    "archive_unsupported_method": N_("{name} is packed with a method that is not supported. Pack it as usual ZIP."),
    # folders
    "import_path_missing": N_('There is no file or folder "{path}". Check the path.'),
    "import_not_an_archive": N_('"{path}" is neither a folder nor a ZIP file. Give the folder that holds the images.'),
    "import_not_an_image": N_("{name} is not an image and was left out."),
    "import_no_label": N_("{name} lies in no folder that says normal or defect, and was left out. Sort it into one."),
    "import_product_missing": N_("{name}: no folder names its product. Give the product's code with --product."),
    "import_other_product": N_("{name} belongs to another product than the one asked for, and was left out."),
    "import_several_products": N_(
        'There are several products ({products}), but none has the code "{product}". Give one of theirs, or none.'
    ),
    "import_nothing_found": N_(
        '"{path}" holds no images in a layout that is understood. See "import" in the README for the three layouts.'
    ),
    # demo data
    "demo_busy": N_("A deployment of the demo products is waiting or running. Cancel it or wait for it first."),
    "demo_manuals_missing": N_("The demo manuals are not here. Fetch the program's files again."),
    "demo_dataset_missing": N_('The package "elpv-dataset" with the solar cells is not installed. Run "make setup".'),
}
