"""Sentences of moving objects between stores."""

from core.i18n import N_

STORE_MOVES_MESSAGES: dict[str, str] = {
    "move_running": N_(
        "The stored files are being moved already, by another command on this data folder. Nothing was changed. Wait "
        "for its end."
    ),
    "move_same_store": N_("The stored files are in {where} already. Nothing was changed. Name another place."),
    "move_target_foreign": N_(
        "{where} belongs to another installation. Nothing was changed. Name an empty place for the stored files."
    ),
    "move_target_in_use": N_(
        "{where} counts as the object store of this installation as well. Nothing was changed. Set the settings to it, "
        "or name an empty place for the stored files."
    ),
    "move_target_not_empty": N_(
        "{where} is not empty, and what lies there is not of this installation. Nothing was changed. Name an empty "
        "place for the stored files."
    ),
    "move_source_failed": N_(
        "The stored files could not be read from {where}: {reason} What was copied so far is kept; the same command "
        "goes on from there."
    ),
    "move_target_failed": N_(
        "The stored files could not be written to {where}: {reason} What was copied so far is kept; the same command "
        "goes on from there."
    ),
    "move_folder_unused": N_(
        "A folder can be named only with --to local; for --to s3, GEOMSA_S3_BUCKET names the bucket."
    ),
    "move_no_room": N_(
        "{folder} has too little space: {needed_gib} GiB are still to be copied, {free_gib} GiB are free. Free some "
        "space, and give the same command again."
    ),
    "move_disk_full": N_(
        "The disk of {folder} is full: large files lie there on their way. Free some space, and give the same command "
        "again."
    ),
}
