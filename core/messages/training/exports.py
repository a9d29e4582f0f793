"""Sentences about trainings: exports, and trained networks that are asked."""

from core.i18n import N_

EXPORTS_MESSAGES: dict[str, str] = {
    "export_graph_invalid": N_("The network cannot be exported: its graph is not as it should be ({detail})."),
    "export_parity_failed": N_(
        "The export was refused: {runtime} differs from the network as it inspects here by {difference} where {limit} is allowed, and names {changed} of {count} images otherwise. Train it again, or report these figures."
    ),
    "export_without_images": N_(
        "None of the images that the network was trained on can be read any more, so the export cannot be proved."
    ),
    "model_export_format_unknown": N_("A network is exported as one of: {formats}. Not as “{format}”."),
    "trained_run_elsewhere": N_("Training run {number} (“{name}”) is of another product or view than these images."),
    "trained_run_has_seen": N_(
        "Training run {number} (“{name}”) knows {count} of the {total} validation and test images already: a comparison with it would flatter it. Take the dataset version that it was trained on, or another run."
    ),
    "trained_run_none": N_(
        "There is no finished training run of this product. Train one on the screen Train a model first."
    ),
    "trained_run_not_named": N_("Say which training run is asked: the option “run” with its number."),
    "trained_run_unfinished": N_("Training run {number} (“{name}”) has no network: it has not ended, or failed."),
    "trained_run_unknown": N_("There is no training run {number}."),
    "trained_version_unknown": N_(
        "There is no trained model “{name}”. Give the number of a version, or run:12 for a training run."
    ),
}
