"""The whole tree of errors that `inference` raises.

InferenceError
├── ImageError      an image that is not accepted
├── ArtifactError   a bundle that is missing, damaged, newer or of another kind
├── ManualError     a manual (PDF) that is not accepted
├── ModelError      a model that cannot be built, loaded, verified or asked
└── WriterError     a language model that does not write, or not what can be shown
"""

from __future__ import annotations

import math
from typing import Any

# One English sentence per code. `{name}` places are filled from the parameters of the error.
_SENTENCES: dict[str, str] = {
    "adapter_failed": "The adapter “{name}” ended with {status}: {detail}.",
    "adapter_graph_invalid": "The network of the adapter “{name}” cannot be used: {detail}.",
    "adapter_manifest_invalid": "The adapter.json in “{folder}” cannot be used: {detail}.",
    "adapter_manifest_missing": "There is no readable adapter.json in “{folder}”.",
    "adapter_memory": "The adapter “{name}” took more than {limit_gib} GiB of memory.",
    "adapter_no_engine": "The adapter “{name}” needs a container engine, and this machine has none.",
    "adapter_no_image": "The adapter “{name}” names no container image.",
    "adapter_no_interpreter": "The interpreter of the adapter “{name}” is not there: {path}.",
    "adapter_result_invalid": "The adapter “{name}” did not hand back what was agreed: {detail}.",
    "adapter_silent": "The adapter “{name}” said nothing for {limit_s} s.",
    "adapter_task": "The adapter “{name}” does not know the task {task}.",
    "adapter_timeout": "The adapter “{name}” took longer than {limit_s} s.",
    "artifact_not_a_bundle": "“{folder}” is not a model bundle: it has no readable manifest.",
    "artifact_missing_file": "The model bundle lacks its file “{file}”.",
    "artifact_damaged": "The model bundle's file “{file}” is not the one that was written.",
    "artifact_newer_format": "The bundle has format {found}; this program reads formats up to {supported}.",
    "artifact_wrong_kind": "The bundle holds a “{found}”, not a “{expected}”.",
    "backbone_unknown": "There is no backbone called “{name}”.",
    "backbone_weights_missing": "The weights of the backbone “{name}” are not here.",
    "backbone_weights_mismatch": "The weights file does not belong to the backbone “{name}”: {detail}.",
    "backbone_weights_changed": "The weights of “{name}” are not those that the model was built with.",
    "classifier_one_label": "A classifier needs images of two labels or more; there are of: {found}.",
    "config_invalid": "The model's setting “{field}” cannot be {value}.",
    "dense_backbone_unsuited": "The backbone “{name}” has no fine levels, which segmentation and detection need.",
    "detector_weights_unreadable": "The detector's weights in “{folder}” cannot be used: {detail}.",
    "detector_weights_missing": "The architecture “{name}” needs its weights in a local folder.",
    "device_unavailable": "The device “{device}” is not available on this machine.",
    "device_failed": "The device “{device}” failed: {detail}.",
    "encoder_folder_missing": "There is no folder “{folder}” with a sentence encoder.",
    "encoder_package_missing": "The package “{package}” is not installed.",
    "encoder_unreadable": "“{folder}” is not a readable sentence encoder: {detail}.",
    "encoder_unsafe_files": "“{folder}” holds files that can run code: {files}.",
    "export_graph_invalid": "The network cannot be exported: its graph is not as it should be ({detail}).",
    "export_parity_failed": "The export was refused: {runtime} differs by {difference} where {limit} is allowed, "
    "and names {changed} of {count} images otherwise.",
    "export_without_images": "There is no image to prove an export with.",
    "fusion_nothing_to_combine": "There is no view to combine.",
    "fusion_parts_missing": "Weights are fitted to good and defective parts that every view shows; there are none.",
    "fusion_rules_let_pass": "The rules call a part good on which {views} is certain of a defect.",
    "fusion_rules_missing": "There is no rule to combine the views by.",
    "fusion_thresholds_invalid": "Combined thresholds lie above 0 and up to 1, in order: not {review_at}, {reject_at}.",
    "fusion_value_invalid": "A rule compares “{view}” with a probability above 0 and up to 1, not with {value}.",
    "fusion_view_unknown": "There is no view “{view}”; there are: {views}.",
    "fusion_votes_invalid": "Of {views} views, {votes} cannot be asked for.",
    "fusion_weights_invalid": "Weights are numbers of 0 or more, and not all 0.",
    "graph_differs": "The exported graph differs from the trained network by {difference}; {tolerance} is allowed.",
    "golden_mismatch": "The runtime “{runtime}” scores the reference image {found}; it was built with {expected}.",
    "grounding_config_unreadable": "The file “{file}” in “{folder}” cannot be read.",
    "grounding_file_missing": "The folder “{folder}” lacks the file “{file}”.",
    "grounding_folder_missing": "There is no folder “{folder}” with a grounding network.",
    "grounding_phrases_missing": "There is no defect type to look for.",
    "grounding_unreadable": "The network in “{folder}” cannot be loaded: {detail}.",
    "grounding_unsafe_files": "“{folder}” holds files that can run code: {files}.",
    "grounding_wrong_kind": "“{folder}” holds a “{found}”, not {expected}.",
    "image_wrong_shape": "An image must be a height×width×3 array of bytes; this one is {shape} of {dtype}.",
    "index_dimension_mismatch": "The vectors have {found} dimensions where {expected} are needed.",
    "index_duplicate_ids": "The same id was given twice.",
    "index_of_other_embedder": "The index was made with other weights of “{name}” than those that are here.",
    "index_encoder_mismatch": "The index was built with the encoder “{found}”, not with “{expected}”.",
    "index_vectors_invalid": "The vectors must be finite and not all zero.",
    "map_invalid": "The anomaly map is empty or holds values that are no numbers.",
    "no_usable_images": "None of the images could be used to build the model.",
    "ocr_failed": "Text recognition ({engine}) failed on a page.",
    "ocr_timeout": "Text recognition took longer than {limit_s} seconds on a page.",
    "out_of_memory": "The machine's memory does not suffice for this step.",
    "outputs_invalid": "The network's outputs are not those that its description promises ({found}).",
    "pdf_damaged": "The PDF is damaged and cannot be read.",
    "pdf_encrypted": "The PDF is protected by a password.",
    "pdf_not_a_pdf": "The file is no PDF.",
    "pdf_out_of_memory": "The PDF needs more than {limit_mb} MB of memory to be read.",
    "pdf_page_missing": "The PDF has no page {page}.",
    "pdf_timeout": "The PDF could not be read within {limit_s} seconds.",
    "pdf_too_large": "The PDF is larger than {limit_mb} MB.",
    "pdf_too_many_pages": "The PDF has {pages} pages; {limit} are taken in at most.",
    "pdf_without_text": "No page of the PDF has any text.",
    "score_calibration_empty": "Without scores of good pictures no probability can be told.",
    "score_calibration_invalid": "What turns scores into probabilities cannot be read.",
    "training_diverged": (
        "The training diverged in epoch {epoch}: its loss is no number. A learning rate lower than {learning_rate}, a "
        "longer warm-up or gradient clipping helps."
    ),
    "training_marks_missing": "None of the {count} training images shows where a defect is: nothing can be learned.",
    "training_failed": "The training failed in epoch {epoch}: its loss is no number.",
    "teacher_archive_unknown": "“{name}” is not the archive of EfficientAD's teachers that is published.",
    "tiles_not_supported": "This detector cannot inspect in tiles.",
    "visual_answer_box_outside": "The model marked a place outside the picture.",
    "visual_answer_contradicts": "The model's verdict and the type that it names (“{name}”) contradict each other.",
    "visual_answer_not_json": "The model's answer is not the JSON object that was asked for.",
    "visual_answer_type_unknown": "The model named a type that the product does not have: “{name}”.",
    "visual_answer_wrong_field": "The field “{field}” of the model's answer is not what was asked for.",
    "training_process_failed": "A process of the training ended unexpectedly: {detail}.",
    "writer_broken_off": "The language model broke off its answer.",
    "writer_busy": "The language model's server has too many requests.",
    "writer_declined": "The language model declined to answer.",
    "writer_empty": "The language model's answer holds no step.",
    "writer_failed": "The language model's server failed (status {status}).",
    "writer_key_refused": "The language model's server refused the key.",
    "writer_model_unknown": "The server has no language model of this name.",
    "writer_overloaded": "The language model's server is overloaded.",
    "writer_request_refused": "The language model's server refused the request (status {status}).",
    "writer_timeout": "The language model took too long.",
    "writer_too_long": "The language model's answer is too long.",
    "writer_unreachable": "The language model's server does not answer.",
    "writer_unsafe": "The language model's answer holds nothing that may be shown.",
}


class InferenceError(Exception):
    """An error with a stable snake_case `code` and the `params` that its sentence needs."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params: dict[str, Any] = params

    def __str__(self) -> str:
        sentence = _SENTENCES.get(self.code)
        shown = {name: _readable(value) for name, value in self.params.items()}
        if sentence is not None:
            try:
                return sentence.format(**shown)
            except (KeyError, IndexError):
                return sentence
        words = self.code.replace("_", " ").capitalize()
        details = ", ".join(f"{name}: {value}" for name, value in shown.items())
        return f"{words} ({details})." if details else f"{words}."


class ImageError(InferenceError):
    """The bytes are no image, or none that is accepted."""


class ArtifactError(InferenceError):
    """A bundle cannot be read."""


class ManualError(InferenceError):
    """The bytes are no PDF, or none that is accepted."""


class ModelError(InferenceError):
    """A model cannot be built, loaded, verified or asked."""


class WriterError(InferenceError):
    """A language model did not write, or nothing that can be shown."""


def _readable(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return value
