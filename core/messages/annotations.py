"""Sentences of annotation files that are read, and of exports."""

from core.i18n import N_

ANNOTATION_MESSAGES: dict[str, str] = {
    # annotation files
    "annotation_damaged": N_("{name} is an annotation file that cannot be read. Export it once more from its program."),
    "annotation_too_large": N_(
        "{name} has more than {limit_mb} MB; annotation files are read up to that size. Split it into several files."
    ),
    "annotation_video": N_("{name} annotates a video. Export its frames as images (CVAT for images 1.1)."),
    "annotation_image_unnamed": N_("{name} annotates an image without a name; that was left out."),
    "annotation_image_missing": N_("{name} annotates {image}, which is not here. Add the image, too."),
    "annotation_image_ambiguous": N_(
        "{name} annotates {image}, but several images here have that name. Import their folders one by one."
    ),
    "annotation_image_twice": N_(
        "{name} names {image} twice; only the first was read, and the image waits for an answer. Keep one of the two."
    ),
    "annotation_in_two_files": N_("{image} is marked in {other} already; what {name} marks in it was left out."),
    "annotation_image_unreadable": N_("{name} annotates {image}, whose size cannot be read."),
    "annotation_type_missing": N_(
        "{name} marks a place in {image} without a type, or with one that it does not define; that place was left out."
    ),
    "annotation_of_no_image": N_(
        "{name} has annotations of images that it does not list ({count}); they were left out."
    ),
    "annotation_names_missing": N_(
        "{name}: no data.yaml or classes.txt says what the numbers in {folder} stand for. Add it: numbers are not "
        "taken for defect types."
    ),
    "annotation_shape_wrong": N_(
        "{name} marks a place in {image} that makes no sense (no area, no numbers, or another size); it was left out."
    ),
    "annotation_outside": N_("{name} marks a place outside {image}; it was left out."),
    "annotation_cut": N_("{name} marks a place that reaches over the edge of {image}; it was cut off there."),
    "annotation_shape_ignored": N_(
        "{name} marks {image} with a line, a point or another form without area; it was left out."
    ),
    "annotation_size_differs": N_(
        "{name} annotates {image} in another size or position than the image has here; its marks were left out. "
        "Annotate the image itself."
    ),
    "annotation_too_many": N_("{name} marks more than {limit} places in {image}; they were left out."),
    "annotation_more_problems": N_("{name}: {count} more places or images could not be used."),
    "annotation_mask_unclear": N_(
        "{name} has class masks, but no labelmap.txt says which color is which type; only the boxes were taken."
    ),
    # what was exported by this program
    "export_manifest_damaged": N_(
        "{name} belongs to an export of this program and is damaged or of a newer version; the images were read "
        "without it."
    ),
    "export_image_changed": N_(
        "{name} is not the image that was exported: its content has changed. Remove geomsa-export.json to import it "
        "as any other image."
    ),
    "export_image_missing": N_("{name} belongs to the export, but is not here. Copy the whole export."),
    # exports
    "export_format_unknown": N_('There is no format "{format}". Choose one of: {formats}.'),
    "export_nothing": N_("{product} has no images that fit. Choose other images, or add some first."),
    "export_target_taken": N_('"{path}" is there already and not empty. Choose a new folder or file name.'),
    "export_target_unwritable": N_('"{path}" cannot be written. Check the path and its permissions.'),
    "export_disk_full": N_(
        'The disk of "{path}" is full. Nothing was left there. Free some space, or choose another disk.'
    ),
    "export_object_missing": N_("{name}: its stored file is missing. It was left out."),
    "export_image_damaged": N_("{name}: the stored file is not the one that was uploaded. It was left out."),
    "export_mask_missing": N_("{name}: the file of its mask is missing. The image was exported without it."),
    "export_stopped": N_("The export was stopped. Nothing was left behind."),
}
