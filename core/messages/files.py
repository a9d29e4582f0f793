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
    "image_file_too_large": N_(
        "{name} has {size_mb} MB; an image may have {limit_mb} MB at most. Save it smaller, or as JPG."
    ),
    "image_upload_failed": N_(
        "{name} did not arrive: its upload was broken off, or too much is being uploaded at once. Choose it again."
    ),
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
    "image_split_unknown": N_('The split must be "train", "val" or "test". Choose one of them.'),
    "defect_type_missing": N_("Defect images need a defect type of this product. Choose one."),
    "defect_type_not_wanted": N_("Normal images have no defect type. Leave it empty."),
    "image_changed": N_(
        "Somebody else changed {name} since you saw it. Nothing was done. Look at it once more, and decide again."
    ),
    "image_changed_told": N_(
        "{who} changed {name} since you saw it: {changes}. Nothing was done. Look at it once more, and decide again."
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
    "view_too_long": N_("The view “{view} …” is too long. Use at most {highest} characters."),
    "image_domain_unknown": N_("“{domain}” is no place where images are taken. Choose one of these: {choices}."),
    "image_change_unknown": N_("What is to be done with the images is not known. Choose it once more."),
    "image_change_waiting": N_(
        "Another change of this product's images waits or runs. Wait until it is finished, and try again."
    ),
    "too_many_chosen": N_("{count} images are chosen. Choose at most {highest} at once: narrow the filter."),
    "thumbnails_unread": N_("None of the small pictures can be read now. Check the object store, and try again."),
    "selection_over": N_("This selection is not known any more. Choose the images again, and download them."),
    # the trash
    "image_in_trash": N_(
        "{name} lies in the trash as {existing} since {since}. Put it back from there, or delete it for good first."
    ),
    "trash_waits_for_yes": N_(
        "{count} images in the trash of {product} would be deleted for good. Say so with --yes; nothing is deleted yet."
    ),
    "trash_ids_missing": N_("Say which images to put back: their numbers in the list of the trash, or --all."),
    "trash_same_content": N_(
        "{name} cannot be put back: the same image was added again as {existing}. Delete one of the two for good."
    ),
    "trash_file_gone": N_("{name} cannot be put back: its file is not in the store any more. Restore a backup."),
    "trash_product_inactive": N_(
        "{name} cannot be put back: its product {product} is not active. Activate the product first."
    ),
    "trash_type_gone": N_(
        "{name} cannot be put back: its defect type is not there any more. Delete it for good, or add the image anew."
    ),
    "trash_type_inactive": N_(
        "{name} cannot be put back: its defect type {type} is not active. Activate the defect type first."
    ),
    "trash_name_taken": N_("{name} cannot be put back: another image has its name or number."),
    "no_images_chosen": N_("No images are chosen. Choose at least one."),
    # masks
    "mask_without_image": N_("{name} is a mask, but its image is not here. Add the image with the same name, too."),
    "mask_of_normal_image": N_("{name} marks a defect, but its image is a normal one. Label it as defect first."),
    "mask_wrong_size": N_(
        "{name} has {width_px} × {height_px} px, but its image has {image_width_px} × {image_height_px}. "
        "Draw the mask on the image itself."
    ),
    "mask_empty": N_("{name} marks nothing: every pixel is black. Draw the defect in white."),
    # regions that are drawn
    "regions_too_many": N_("{name} would have more than {limit} regions. Join some of them into one mask."),
    "regions_too_detailed": N_(
        "The masks of {name} are too ragged to be stored. Draw them with a larger brush, or as polygons."
    ),
    "region_too_detailed": N_("Region {number} has too many corners or edges. Draw it more simply."),
    "region_outside": N_("Region {number} lies outside the image. Draw it inside."),
    "region_too_small": N_("Region {number} marks less than one pixel. Draw it larger, or delete it."),
    "region_crosses_itself": N_("The outline of region {number} crosses itself. Move its corners apart."),
    "region_unreadable": N_("Region {number} is not a box, a polygon or a mask of this image. Draw it again."),
    "region_type_wrong": N_("Region {number} needs a defect type of this product. Choose one."),
    "region_not_tightened": N_(
        "No outline stands out inside this box. Draw the box with a little room around the defect, or use the brush."
    ),
    "image_is_normal": N_("{name} is a normal image. With regions it becomes a defect image: agree to that first."),
    "own_type_not_marked": N_("The image can only count as a defect type that one of its regions shows. Choose one."),
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
    # folders and archives
    "import_path_missing": N_('There is no file or folder "{path}". Check the path.'),
    "import_not_an_archive": N_('"{path}" is neither a folder nor a ZIP file. Give the folder that holds the images.'),
    "import_nothing_found": N_(
        '"{path}" holds no images. JPEG, PNG, BMP, TIFF and WebP files in a folder or a ZIP file are taken in.'
    ),
    "import_several_products": N_(
        'There are several products ({products}), but none has the code "{product}". Give one of theirs, or none.'
    ),
    "import_without_files": N_("There is no file to import. Choose images, or a ZIP file of images."),
    "import_too_many_files": N_("There are more than {limit} files. Split them into several imports."),
    "import_gone": N_("The files of this import are not there any more. Give them again."),
    "import_started": N_("This import was started already. Look at it under the imports so far."),
    "import_not_started": N_("This import is a draft still. Start it first."),
    "import_changed": N_(
        "Somebody else has changed or started this import meanwhile. It is shown as it is now; decide again."
    ),
    "import_questions_open": N_(
        "{count} questions are not answered yet. Answer them, or say that those images are to be left out."
    ),
    "import_nothing_planned": N_(
        "No image would be taken in as it is decided now. Say what the folders hold, or choose other files."
    ),
    "import_nothing_left": N_("There is nothing left of this import to go on with."),
    "import_person_gone": N_(
        "The account that started this import may not import any more. What is taken in stays; start the rest anew."
    ),
    "import_folders_unset": N_(
        "Nothing may be imported from folders of this server. The administrator names those that may be read in "
        "GEOMSA_IMPORT_FOLDERS."
    ),
    "import_path_outside": N_("{path} is not below the folders that may be imported from on this server: {roots}."),
    "import_role_unknown": N_(
        '"{role}" is no role. Write normal, defect:TYPE, mask, skip, train, val, test, product:CODE, view:NAME, part or '
        "list, joined with / where there are several."
    ),
    "import_folder_missing": N_('"{path}" is not among the files. At the top there are: {folders}.'),
    "import_list_too_large": N_("The list {name} is larger than {highest} MB. Divide it."),
    # left out, for certain
    "import_not_an_image": N_("{name} is not an image and was left out."),
    "import_left_out": N_("{name} is left out, as you said."),
    "import_helper_folder": N_("{name} lies in a folder of helper data (depth, calibration, …) and was left out."),
    "import_other_product": N_("{name} belongs to another product than the one asked for, and was left out."),
    "import_too_deep": N_("{name} lies in too many folders within each other and was left out."),
    "import_twin_names": N_(
        "{name} has the same name as another image beside it, and neither is a mask of two values. Both were left out: "
        "rename one, or say which is the mask."
    ),
    "mask_of_several_images": N_("{name} fits several images, so this mask was left out."),
    "mask_of_left_out": N_("{name} is the mask of an image that is not taken in."),
    "mask_of_normal_blank": N_("{name} is the empty mask of a normal image, which needs none."),
    # left out until somebody says what it is
    "import_no_label": N_("{name}: nothing says whether normal or defective parts are shown. Say what it holds."),
    "import_product_missing": N_(
        "Nothing names the product. Say which product these images show; the folders are: {folders}."
    ),
    "import_label_contradiction": N_(
        "{name}: the folders and names contradict each other on whether the parts are normal or defective. Say which."
    ),
    "import_type_unknown": N_("{name}: its name does not say which defect is shown. Name the defect type."),
    "import_mask_missing": N_(
        "{name}: some images have a mask and some have none. Say whether those without a mask are normal."
    ),
    "import_lists_differ": N_("{name} contradicts another list of the same images. Say which list counts."),
    "import_list_label_unknown": N_(
        "{name}: its labels may be defects or kinds of good parts. Say whether they are defect types."
    ),
    # lists of images
    "import_listed_missing": N_("{name} names {count} files that are not here, the first is {path}."),
    "import_listed_twice": N_("{name} says different things of {count} images, the first is {path}."),
    "import_list_row": N_(
        "{name}: {count} lines have a label or split that is not understood, the first is of {path}."
    ),
    "import_list_header": N_(
        "{name} names images, but no line says what its columns are. Put a first line into it, such as: path,label,split"
    ),
    # why files become what they do
    "import_by_person": N_("As you said"),
    "import_by_list": N_("A list or an annotation file says so"),
    "import_by_folder": N_("The folder says so"),
    "import_by_siblings": N_("It lies beside a folder of good parts in a set that is split"),
    "import_by_kind": N_("The folder is called like a known kind of defect"),
    "import_by_name": N_("The file names say so"),
    "import_by_mask": N_("Its mask says so"),
    "import_by_mask_of": N_("Marks the defects of images"),
    "import_by_claim": N_("As you said of everything that says nothing itself"),
    "import_by_layout": N_("The layout of a published set says so"),
    "upload_several_products": N_(
        "{name} holds images of several products ({products}) and was left out. Pack one ZIP file for each product."
    ),
    "upload_undecided": N_("Say what these folders hold, or leave them out: {folders}."),
    "upload_no_files": N_("No file is chosen yet. Choose images of good parts, or a ZIP file of them."),
    "upload_defect_unnamed": N_("Say what the defect is called: its images are stored under that name."),
    "upload_no_good_images": N_(
        "There is no image of a good part for training among the files. A model learns from good parts: add at least "
        "one, better 50."
    ),
    "upload_nothing_stored": N_("None of the files could be stored. Why is said for each of them below."),
    # demo data
    "demo_busy": N_("A deployment of the demo products is waiting or running. Cancel it or wait for it first."),
    "demo_manuals_missing": N_("The demo manuals are not here. Fetch the program's files again."),
    "demo_dataset_missing": N_('The package "elpv-dataset" with the solar cells is not installed. Run "make setup".'),
}
