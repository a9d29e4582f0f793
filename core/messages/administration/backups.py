"""Sentences of backups and their restoration."""

from core.i18n import N_

BACKUPS_MESSAGES: dict[str, str] = {
    "backup_not_one": N_("{file} is not a backup of Geomsa."),
    "backup_file_unreadable": N_(
        "{file} cannot be read: {reason}. Check that it is there and that Geomsa may read it."
    ),
    "backup_cut": N_(
        "The end of the backup {file} is missing or damaged: it was not copied whole. Copy it again from where it was made."
    ),
    "backup_changed": N_(
        "The backup {file} is damaged: what is in it is not what was written, or stands in another order. Nothing was restored from it. Take another copy or an earlier backup."
    ),
    "backup_key_missing": N_(
        "The backup {file} is encrypted. Give its key: GEOMSA_BACKUP_KEY_FILE, GEOMSA_BACKUP_KEY or --key-file."
    ),
    "backup_key_wrong": N_(
        "The key does not open the backup {file}: it is not the key it was made with, or the beginning of the file was changed."
    ),
    "backup_key_changed": N_(
        "The newest backup, {file}, was made with another setting of the key: a new chain begins with a full backup."
    ),
    "backup_newer_format": N_(
        "The backup {file} was written by a newer version of Geomsa. Restore it with that version."
    ),
    "backup_chain_missing": N_(
        "The incremental backup {file} stands on earlier ones that are not beside it, or are not the ones it was made on. Put all files of its chain into one folder."
    ),
    "backup_no_base": N_("There is no earlier backup in {folder} to build on: a full backup is made."),
    "backup_exists": N_("{file} is there already. Give another name, or a folder: then the name is made."),
    "backup_folder_missing": N_("The folder {folder} does not exist. Create it, or choose another one."),
    "backup_folder_refused": N_(
        "The backup cannot be written to {folder}: {reason}. Check that the folder is there and that Geomsa may write in it."
    ),
    "backup_folder_outside": N_("The folder for backups must lie within {folder}. Give a name without “..”."),
    "backup_no_space": N_(
        "There is not enough space in {folder}: {needed_gib} GiB are needed, {free_gib} GiB are free. Nothing was written."
    ),
    "backup_too_large": N_("A backup file can hold at most 4 PiB."),
    "backup_unsettled": N_(
        "Files were moved and deleted faster than they could be copied, so no backup of one moment came about. Try again when fewer jobs are running."
    ),
    "backup_broken_off": N_("The backup was broken off before it was whole; nothing of it is left. Make a new one."),
    "backup_cancelled": N_("The backup was canceled; nothing of it is left."),
    "backup_lacks": N_(
        "{count} files that rows name are missing in the system itself, such as {key}. The backup holds everything else; run: python -m core doctor --repair"
    ),
    "backup_waiting": N_("A backup, or the check of one, waits or runs already. Wait until it is finished."),
    "backup_none": N_("There is no backup that could be checked. Make one first."),
    "backup_job_restored": N_("The system was restored from a backup while this was running. Start it again."),
    "log_job_restored": N_("The system was restored from a backup. This job begins again."),
    "backup_schedule_every": N_("A backup is made every day or every week."),
    "backup_schedule_number": N_("Give a whole number from {lowest} to {highest}."),
    "restore_newer": N_(
        "This backup was made by a newer version of Geomsa ({version}). Install that version and restore it there."
    ),
    "restore_not_empty": N_(
        "There is data in the system already (database {database}, files {objects}). A backup is restored into an empty one; to put it in the place of what is there, give --replace."
    ),
    "restore_in_use": N_(
        "The application or a worker is running on this database. Stop every one of them, wait 20 seconds, and restore again."
    ),
    "restore_other": N_(
        "The restoration of another backup was broken off here. Finish that one first, or give --replace to begin anew with this one."
    ),
    "restore_not_confirmed": N_("Nothing was replaced: the word was not typed as asked."),
    "restore_unfinished": N_(
        "The restoration is not finished. Give the same command again: it goes on where it stopped."
    ),
    "drill_missing": N_(
        "The trial restoration of {file} lacks {count} files that its rows name, such as {key}. Make a new full backup."
    ),
    "drill_damaged": N_("The trial restoration of {file} gave a damaged database: {findings}. Make a new full backup."),
    "check_backup": N_("The last backup is from {when} (UTC); its age in days: {age}."),
    "check_backup_none": N_(
        "No backup was made yet. Set up a schedule on the screen Backups, or run: python -m core backup FOLDER"
    ),
    "check_backup_unscheduled": N_(
        "The last backup is from {when} (UTC); its age in days: {age}. No schedule is set up."
    ),
    "check_backup_old": N_(
        "The last backup is from {when} (UTC), {age} days old: older than twice its schedule. Look at the screen Backups for the reason."
    ),
    "check_backup_never": N_(
        "Backups are scheduled, but none was made yet in twice that time. Look at the screen Backups."
    ),
    "check_backup_failed": N_("The last backup failed: {reason}"),
    "setting_backup_key_both": N_("Set either GEOMSA_BACKUP_KEY or GEOMSA_BACKUP_KEY_FILE, not both."),
    "setting_backup_key_short": N_("{name}: the key of backups needs at least {lowest} characters."),
    "setting_backup_key_file": N_(
        '{name}: the file "{value}" cannot be read as text. Write the key into it as one line.'
    ),
}
