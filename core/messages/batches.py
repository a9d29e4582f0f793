"""Sentences of batch inspections."""

from core.i18n import N_

BATCH_MESSAGES: dict[str, str] = {
    "batch_without_files": N_("There is no file to inspect. Choose images, or a ZIP file of images."),
    "batch_too_many_files": N_("There are more than {limit} files. Split them into several batches."),
    "batch_folder_unnamed": N_("No folder of the object store is named. Type its name, such as incoming/line-3."),
    "batch_folder_own": N_("{folder} belongs to Geomsa itself. Put the images into a folder of their own."),
    "batch_folder_invalid": N_("{folder} is no name that a folder of the object store can have. Check it."),
    "batch_folder_empty": N_("There are no images in {folder} of the object store. Check the name of the folder."),
    "batch_nothing_left": N_("There is nothing left of this batch to go on with."),
    "batch_person_gone": N_(
        "The account that started this batch may not inspect any more. What is inspected stays; start the rest anew."
    ),
}
