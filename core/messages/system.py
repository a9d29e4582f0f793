"""Sentences of settings, storage, roles, the process itself and the executors of its jobs."""

from core.i18n import N_

SYSTEM_MESSAGES: dict[str, str] = {
    "setting_not_one_of": N_('{name} is "{value}", but must be one of: {choices}.'),
    "setting_database_url": N_("{name} must begin with one of: {choices}, followed by ://."),
    "setting_database_host": N_("{name} names no server. Write it as scheme://user:password@host/database."),
    "setting_not_host": N_(
        "{name} must be a host name or an address of this machine, such as 0.0.0.0, without a port."
    ),
    "setting_not_addresses": N_(
        "{name} must list the addresses of your proxies, separated by commas, such as 10.0.0.5 or 10.0.0.0/24, "
        "not {value}."
    ),
    "setting_all_addresses": N_(
        "{name} must not name every address ({value}): anybody could then pretend to be at any address. Name the "
        "addresses of your proxies."
    ),
    "text_not_unicode": N_("The text holds half a character (a lone surrogate) and cannot be stored. Write it anew."),
    "setting_mlflow_uri": N_("{name} is no address of a tracking store. It begins with one of: {choices}."),
    "setting_not_http_url": N_("{name} must be an address that begins with http:// or https://."),
    "setting_s3_missing": N_("GEOMSA_OBJECT_STORE is s3, but these are not set: {names}."),
    "setting_data_dir": N_('{name}: the folder "{value}" cannot be created or written. Choose another folder.'),
    "setting_not_absolute": N_('{name}: "{value}" does not begin at the root. Give the full path of each folder.'),
    "setting_not_between": N_('{name} is "{value}", but must be a number from {lowest} to {highest}.'),
    "setting_device_absent": N_("GEOMSA_DEVICE is cuda, but no CUDA device can be used here. Set it to auto or cpu."),
    "session_over": N_(
        "Your sign-in has ended: it expired, you signed out, the account was disabled or its password was changed. Sign in again."
    ),
    "role_too_low": N_("Your role does not allow this. Ask an administrator."),
    "database_unavailable": N_("The database does not answer. Nothing was lost; try again in a moment."),
    "database_busy": N_(
        "Another program is holding the database. Nothing was saved; try again in a moment, and close whatever holds it: a backup, a copy, or a tool."
    ),
    "database_damaged": N_(
        'The database is damaged. Stop Geomsa, keep a copy of the database file as it is, and restore the newest backup; "python -m core doctor" says what is damaged.'
    ),
    "database_replaced": N_(
        "A file of the database was removed or replaced while Geomsa was running. Nothing was written. Stop Geomsa, put the file back or restore a backup (without the old files that end in -wal and -shm), and start Geomsa again."
    ),
    "database_full": N_("The database has no space left. Nothing was saved; free some disk space and try again."),
    "database_rejected": N_("The database refused these values. Nothing was saved; check what you typed."),
    "database_conflict": N_("Somebody saved the same thing at the same time. Load the page again and repeat it."),
    "database_not_migrated": N_('The database has no tables of this version yet. Run "python -m core migrate".'),
    "database_newer": N_("The database was made by a newer version of Geomsa. Start that version instead."),
    "database_migrating": N_("Another process is migrating the database. Try again in a minute."),
    "object_missing": N_("A stored file is missing from the object store. Check the system status."),
    "object_store_unavailable": N_("The object store does not answer. Nothing was lost; try again in a moment."),
    "object_store_denied": N_("The object store refused the access key or the bucket. Check the settings."),
    "object_store_full": N_("The object store has no space left. Nothing was saved; free some space and try again."),
    # Of one reason each: the code stays, and the sentence says what to look at.
    "database_unavailable_denied": N_(
        "The database refused the user name or the password. Nothing was lost; check GEOMSA_DATABASE_URL."
    ),
    "database_unavailable_name": N_(
        "The name of the database server cannot be found on the network (DNS). Nothing was lost; check the network and GEOMSA_DATABASE_URL."
    ),
    "database_unavailable_tls": N_(
        "The certificate of the database server has expired or is not trusted. Nothing was lost; renew it, and check this machine's clock."
    ),
    "database_unavailable_read_only": N_(
        "The database takes no changes now: it is set to read-only. Nothing was saved; ask whoever looks after it."
    ),
    "object_store_unavailable_tls": N_(
        "The certificate of the object store has expired or is not trusted. Nothing was lost; renew it, and check this machine's clock."
    ),
    "object_store_unavailable_name": N_(
        "The name of the object store cannot be found on the network (DNS). Nothing was lost; check the network and GEOMSA_S3_ENDPOINT."
    ),
    "object_store_denied_clock": N_(
        "The object store refused the request because this machine's clock is wrong. Nothing was saved; set the clock right."
    ),
    "object_store_denied_credentials": N_(
        "The object store refused the access key. Nothing was lost; check GEOMSA_S3_ACCESS_KEY and GEOMSA_S3_SECRET_KEY."
    ),
    "object_key_invalid": N_("The name of a stored file is not valid. Nothing was saved."),
    "disk_full": N_("The disk is full. Nothing was saved; free some space and try again."),
    "out_of_memory": N_("There was not enough memory. Nothing was changed; close other programs and try again."),
    "unexpected": N_("Something unexpected happened ({kind}). Nothing was saved; the log has the details."),
    "stale_save": N_("{who} changed this in the meantime: {changes}. Your text is kept; check it and save again."),
    "not_found": N_("This entry does not exist any more."),
    "calendar_zone_unknown": N_('There is no time zone "{name}". Choose one of the list, such as Asia/Seoul.'),
    "calendar_shifts_too_many": N_("A day has at most {highest} shifts."),
    "calendar_shift_unnamed": N_("Shift {number} has no name. Give each shift a name."),
    "calendar_shift_name_long": N_("The name of a shift has at most {highest} characters."),
    "calendar_shift_known": N_('Two shifts are called "{name}". Give each its own name.'),
    "calendar_start_known": N_('"{first}" and "{second}" both begin at {start}. Give each its own time.'),
    "setting_ray_missing": N_(
        'GEOMSA_EXECUTOR is ray, but Ray is not installed. Run "make setup EXTRA=ray", or set it to local.'
    ),
    "setting_not_host_and_port": N_("{name} must be a host and a port, such as 10.0.0.5:6379."),
    "executor_unreachable": N_(
        "The Ray cluster at {address} does not answer, or does not let this machine in. Start it, or check GEOMSA_RAY_ADDRESS and Ray's token; the active model was not touched."
    ),
    "executor_not_started": N_(
        "Ray could not be started on this machine. Deploy again when it is less busy, or set GEOMSA_EXECUTOR to local; the active model was not touched."
    ),
    "executor_lost": N_(
        "The Ray cluster stopped answering during the deployment. Start it and deploy again; products that were finished stay so."
    ),
    "executor_without_gpu": N_(
        "GEOMSA_DEVICE is cuda, but no machine of the Ray cluster has a GPU. Add one, or set it to auto or cpu."
    ),
    "executor_other_database": N_(
        "A machine of the Ray cluster is set up for another database. Give all of them the same GEOMSA_ settings and deploy again."
    ),
}
