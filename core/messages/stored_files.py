"""Sentences of the object store beside its database: whether they belong together, what is unnamed, what is missing."""

from core.i18n import N_

STORED_FILE_MESSAGES: dict[str, str] = {
    "setting_not_whole": N_('{name} is "{value}", but must be a whole number from {lowest} to {highest}.'),
    "store_foreign": N_(
        "The database and the object store ({where}) do not belong together: the store holds files that this database "
        "does not know. Nothing was changed. Restore the database that belongs to the files. Or run "
        '"python -m core migrate --new-store" to begin with an empty store (the files found are set aside untouched), '
        'or "python -m core migrate --adopt" to take the files over as they are.'
    ),
    "store_empty": N_(
        "The object store ({where}) is empty, but the database names files in it. Nothing was changed. Mount or "
        'restore the store, or run "python -m core migrate --new-store" to go on without the files.'
    ),
    "store_moving": N_(
        "Not all stored files have been moved into {where} yet. Nothing was changed. Go on with {source}, and give "
        '"python -m core move-objects" there once more to finish.'
    ),
    "store_moved": N_(
        "The stored files of this installation were moved from {where} to {target}. Nothing was changed. Name the new "
        'place in the settings (GEOMSA_OBJECT_STORE), or run "python -m core migrate --adopt" to go on with the old one.'
    ),
    "store_newer": N_(
        "The database is an older copy than its object store, so nothing is removed from the store. Restore the newer "
        'database, or run "python -m core migrate --adopt" to go on with this one.'
    ),
    "store_has_older": N_(
        "The object store holds files from before this database began, so nothing is removed from it. Restore the "
        'database that belongs to the files, or run "python -m core migrate --adopt" to take them over.'
    ),
    "store_agrees": N_(
        "The files in the object store are those of this database, so they were not set aside. Nothing was changed."
    ),
    "new_store_bucket": N_(
        "The bucket {where} is not empty, and files in a bucket cannot be set aside. Nothing was changed. Name "
        "another, empty bucket in GEOMSA_S3_BUCKET."
    ),
    "new_store_kept": N_(
        "The folder {folder} could not be renamed ({reason}). Nothing was changed. Stop what uses it, or set "
        "GEOMSA_DATA_DIR to another folder."
    ),
    # the checks of the system status
    "check_identity": N_("The database and the stored files belong to the same installation ({id})."),
    "check_folders": N_("Every image lies in the folder of its label."),
    "check_folders_wrong": N_(
        "Images whose files lie in the folder of an earlier label: {count}. The worker moves them within the hour; "
        '"python -m core doctor --repair" does it now.'
    ),
    "check_orphans": N_("Stored files that nothing refers to (older than a day): {count}. In the trash: {trashed}."),
    "check_orphans_many": N_(
        "Stored files that nothing refers to (older than a day): {count} of {total}. That is more than {percent} %, so "
        'they stay until a person has looked: "python -m core doctor --repair" names them.'
    ),
    "check_orphans_held": N_(
        "Stored files that nothing refers to (older than a day): {count} of {total}. They stay until it is certain "
        "that the object store belongs to the database."
    ),
    "check_missing_none": N_("Every stored file that the database names is there."),
    "check_missing": N_(
        "Files that the database names but the object store does not hold: {count}. "
        '"python -m core doctor --repair" names them, and brings back or makes again what it can. '
        "Restore the others from a backup."
    ),
    "check_damaged_no_size": N_(
        "Every stored file has the size that the database knows. "
        '"python -m core doctor --thorough" also reads and compares their contents.'
    ),
    "check_damaged_none": N_("Every stored file has the size and the content that the database knows."),
    "check_damaged": N_(
        "Stored files whose size or content is not what the database knows: {count}. "
        '"python -m core doctor --repair --thorough" names them, and replaces what it can. '
        "Restore the others from a backup."
    ),
}
