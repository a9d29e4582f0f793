"""Sentences of watched folders, and of sending results on."""

from core.i18n import N_

WATCH_MESSAGES: dict[str, str] = {
    "watch_folder_relative": N_('"{path}" does not begin at the root. Give the full path of the folder.'),
    "watch_folder_missing": N_('There is no folder "{path}" on the server that can be opened. Check the path.'),
    "watch_folder_long": N_("The path of the folder is too long. Use at most {highest} characters."),
    "watch_folder_own": N_(
        "{path} cannot be watched: it is the whole disk, or Geomsa keeps its own files there. Choose another folder."
    ),
    "watch_folder_known": N_("{path} is watched already. Remove it first to set it up in another way."),
    "watch_folder_nested": N_(
        "{path} and {other} would both inspect the same files. Choose a folder outside, or switch subfolders off."
    ),
    "watch_folder_other_product": N_("{path} is watched for another product. Remove it first, or name that product."),
    "watch_folder_unknown": N_('"{path}" is not watched. "python -m core watch list" names those that are.'),
    "watch_folder_taken": N_("{path} is being watched by another process ({who}). Stop that one, or leave it to it."),
    "watch_folder_gone": N_(
        "{path} cannot be reached ({reason}). Its files are inspected when it is back; check the disk or the network."
    ),
    "watch_folder_read_only": N_(
        "Files in {path} cannot be moved, so nothing is inspected there. Give Geomsa the right to write and to rename."
    ),
    "watch_folder_link": N_("{path} is a link or a file, so nothing is moved there. Put a folder in its place."),
    "watch_disk_full": N_("The disk of {path} is full. Its files wait; free some space."),
    "watch_files_unreadable": N_(
        "Files that cannot be read: {count}, such as {name}. They wait; check who may read them, and who has them open."
    ),
    "watch_file_link": N_("{name} is a link, and links are not followed. Put the file itself into the folder."),
    "watch_settle": N_("The time until a file counts as whole must be from {lowest} to {highest} seconds."),
    "watch_part_wait": N_(
        "The time that a part with several views is waited for must be from {lowest} to {highest} seconds."
    ),
    "watch_rule_too_long": N_("The rule for file names is too long. Use at most 200 characters and 20 fields."),
    "watch_rule_field": N_(
        'The rule "{rule}" has a field that there is not. There are {{lot}}, {{serial}}, {{line}}, {{shift}}, {{n}} (a number) and {{*}} (anything), and with a fixed length {{lot:5}}.'
    ),
    "watch_rule_twice": N_('The rule "{rule}" has the same field twice. Write {{*}} in the place of one of them.'),
    "watch_rule_ambiguous": N_(
        'The rule "{rule}" has two fields side by side, and nobody can say where one ends. Put what stands between them in the names, or give one a length: {{lot:5}}.'
    ),
    "watch_needs_product": N_("Say which product the parts are of: --product CODE."),
    "watch_needs_folder": N_("Say which folder: python -m core watch {action} FOLDER."),
    "delivery_name": N_("The name of a target is 1 to 64 letters, digits, dots, “-” or “_”. Choose another name."),
    "delivery_name_taken": N_("There is a target “{name}” already. Choose another name, or remove that one first."),
    "delivery_verdicts": N_("Which verdicts are sent must be one of: {choices}."),
    "delivery_url": N_("The address of a webhook begins with http:// or https:// and names a server. Check it."),
    "delivery_url_password": N_(
        "The address of the webhook holds a user or password. Leave them out: results are signed with the secret."
    ),
    "delivery_host": N_("The broker is a host name or address and a port from 1 to 65535. Check it."),
    "delivery_topic": N_(
        "The topic may hold these fields: {fields}. It has no wildcards (+, #), does not begin with $, and has at most 200 characters."
    ),
    "delivery_variable": N_(
        '"{name}" cannot hold a secret for targets: the name of the variable begins with {prefix}.'
    ),
    "delivery_target_unknown": N_('There is no target "{name}". "python -m core targets list" names them.'),
    "delivery_secret_missing": N_(
        "The secret that results are signed with is missing. Set {name} (or {name}_FILE) for the app and its worker."
    ),
    "delivery_secret_file": N_("The file that {name} names cannot be read. Check the path and its permissions."),
    "delivery_timeout": N_("{place} did not answer in time. The message is sent again."),
    "delivery_unreachable": N_("{place} cannot be reached. The message is sent again; check address and network."),
    "delivery_tls": N_(
        "The certificate of {place} could not be verified, so nothing was sent. Check it, and that the clock is right."
    ),
    "delivery_redirected": N_(
        "{place} redirects to another address ({status}), which is not followed. Set the target to the final address."
    ),
    "delivery_status": N_("{place} answered with status {status} and did not take the message."),
    "delivery_login_refused": N_(
        "{place} refused user or password. Check GEOMSA_MQTT_USER and GEOMSA_MQTT_PASSWORD (or the variables of the target)."
    ),
    "delivery_broker_refused": N_("{place} refused the connection: {reason}."),
    # the checks of the system status
    "check_watching_none": N_("No folder is watched."),
    "check_watching": N_("Watched folders: {count}. All are looked at."),
    "check_watching_silent": N_("Nobody watches {path}. Start the app, or a worker: python -m core worker"),
    "check_deliveries_none": N_("Results are sent nowhere by themselves."),
    "check_deliveries": N_("Results are sent to: {names}. Messages that wait: {count}."),
    "check_deliveries_given_up": N_(
        "Messages that “{name}” refused and that were set aside: {count}. Mend the receiver, then send them again: "
        "python -m core watch deliveries --retry"
    ),
}
