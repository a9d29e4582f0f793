"""Sentences of health, logs, proxies and the security of an installation."""

from core.i18n import N_

OPERATION_MESSAGES: dict[str, str] = {
    "setting_secret_file": N_(
        '{name} names the file "{path}", which cannot be read here or does not hold one line of text. Check that it exists '
        "and that Geomsa's user may read it."
    ),
    "part_timed_out": N_(
        "No answer within {seconds} s. The server behind it, the network or the name service hangs; look there first. "
        "Work goes on by itself as soon as it answers again."
    ),
    "worker_silent": N_(
        'No worker has given a sign of life for 20 s, so jobs wait. Start one: "python -m core worker".'
    ),
    "model_files_missing": N_(
        "The object store does not hold the files of a model that is in use. Deploy the product again, or restore the "
        "files from a backup."
    ),
}
