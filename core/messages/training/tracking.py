"""Sentences about the tracking store of trainings."""

from core.i18n import N_

TRACKING_MESSAGES: dict[str, str] = {
    "tracking_store_away": N_(
        "The tracking store {store} does not answer ({reason}). Trainings go on; what they say is kept and sent when "
        "it is back."
    ),
    "tracking_store_denied": N_(
        "The tracking store {store} refuses access ({reason}). Check user and password in GEOMSA_MLFLOW_URI; what "
        "trainings say is kept until then."
    ),
    "tracking_refused": N_("The tracking store {store} refuses what it is sent about a training ({reason})."),
    "tracking_files_elsewhere": N_(
        "The tracking store {store} keeps files in a folder of its own machine, where nothing can be written from "
        "here. Start it with --serve-artifacts."
    ),
    "tracking_interface_missing": N_(
        "MLflow's own interface is not installed. Install it with: make setup EXTRA=mlflow"
    ),
    "tracking_interface_elsewhere": N_("Trainings are tracked on the server {store}: open its own interface."),
    "check_tracking": N_("Trainings are tracked in {store}. Waiting to be sent: {count}."),
    "check_tracking_off": N_("Trainings are not tracked (GEOMSA_MLFLOW=off)."),
    "check_tracking_given_up": N_(
        "The tracking store {store} refused messages about trainings in the last 24 hours: {count}. They were given up; "
        "trainings and their figures here are not touched. The last reason: {reason}."
    ),
}
