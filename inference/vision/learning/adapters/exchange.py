"""What an adapter is handed and what it hands back: folders of plain files, checked on the way in and out.

Handed (read-only): `configuration.json`, `manifest.jsonl` (an image a line), `images/` and `masks/` as PNG. Only the
images of training and validation: what it is measured on at the end it never sees. Handed back: `model.onnx` and
`result.json`.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import ImageError, ModelError
from inference.vision.images.encoding import encode_png
from inference.vision.learning.recipes.contract import Example, ExampleSet
from inference.vision.learning.recipes.settings import RESIZES, RecipeSettings
from inference.vision.learning.trained_network.description import Task

GRAPH_NAME, RESULT_NAME = "model.onnx", "result.json"
MOST_GRAPH_BYTES = 2 * 1024**3 - 1
_MOST_RESULT_BYTES = 4 * 1024**2
INPUT_LAYOUTS = ("nhwc", "nchw")
OUTPUT_KINDS: Mapping[str, tuple[str, ...]] = {
    "classification": ("probabilities", "logits"),
    "segmentation": ("probabilities", "logits"),
    "detection": ("boxes", "yolo", "detr"),
}


@dataclass(frozen=True)
class GraphInput:
    """What a graph takes: its name, the order of its axes, and how pixels of 0 to 255 become its numbers.

    Pixels are divided by `scale`, `mean` is taken off and the rest divided by `std` (RGB each).
    """

    name: str
    layout: str
    is_float: bool
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class AdapterResult:
    """What an adapter says of its graph: labels in the order of its outputs, its input, what its outputs are.

    `kind` is one of `OUTPUT_KINDS`; `names` are those of its outputs. `reported` are figures as it gave them: shown as
    its own, and decided by never.
    """

    labels: tuple[str, ...]
    width_px: int
    height_px: int
    resize: str
    input: GraphInput
    kind: str
    names: tuple[str, ...]
    best_epoch: int
    epochs_done: int
    license: str
    reported: Mapping[str, float] = field(default_factory=dict)


def write_given(
    examples: ExampleSet,
    settings: RecipeSettings,
    task: Task,
    options: Mapping[str, Any],
    folder: Path,
    *,
    tell: Callable[[int, int], None],
) -> dict[str, str]:
    """Write what the adapter is handed into a new folder; return the keys of images that cannot be read, and why.

    Images are preprocessed and keep their size. Raises ModelError and OSError, and what `tell` raises.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    used = examples.of("train", "val")
    skipped: dict[str, str] = {}
    labels = list(examples.labels if task == "classification" else examples.defect_labels)
    with (folder / "manifest.jsonl").open("w", encoding="utf-8") as lines:
        for place, example in enumerate(used):
            tell(place, len(used))
            try:
                row = _write_one(example, examples, task, labels, folder, f"{place:07d}.png")
            except ImageError as error:
                skipped[example.key] = error.code
                continue
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    document = {
        "format": 1,
        "task": task,
        "labels": labels,
        "good_labels": sorted(examples.good_labels),
        "modality": examples.modality,
        "options": dict(options),
        **{name: value for name, value in settings.to_json().items() if name != "options"},
    }
    (folder / "configuration.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return skipped


def _write_one(
    example: Example, examples: ExampleSet, task: Task, labels: Sequence[str], folder: Path, name: str
) -> dict[str, Any]:
    pixels = examples.preprocessing.apply(example.load())
    (folder / "images" / name).write_bytes(encode_png(pixels))
    row: dict[str, Any] = {
        "key": example.key,
        "image": f"images/{name}",
        "split": example.split,
        "label": example.label,
        "part": example.part,
        "domain": example.domain,
        "weight": example.weight,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
    }
    if task == "detection":
        row["boxes"] = [
            {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "label": box.label}
            for box in example.load_boxes()
            if box.label in labels
        ]
    if task == "segmentation":
        mask = np.zeros(pixels.shape[:2], np.uint8)
        for label, marked in example.load_marks().items():
            if label in labels:
                mask[marked] = 1 + labels.index(label)
        (folder / "masks" / name).write_bytes(encode_png(np.repeat(mask[..., None], 3, axis=2)))
        row["mask"] = f"masks/{name}"
    return row


def remove_given(folder: Path) -> None:
    """Remove a folder that was made read-only."""
    for path in [folder, *folder.rglob("*")] if folder.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def read_made(folder: Path, task: Task, labels: Sequence[str], *, name: str) -> tuple[bytes, AdapterResult]:
    """Return the graph and what is said of it. Raises ModelError(`adapter_result_invalid`: name, detail)."""
    try:
        result = _read_result(json.loads(_read_file(folder / RESULT_NAME, _MOST_RESULT_BYTES)), task, labels)
        return _read_file(folder / GRAPH_NAME, MOST_GRAPH_BYTES), result
    except (ValueError, KeyError, TypeError, RecursionError, OSError, OverflowError) as error:
        detail = f"{type(error).__name__}: {error}"[:200]
        raise ModelError("adapter_result_invalid", name=name, detail=detail) from error


def _read_file(path: Path, most_bytes: int) -> bytes:
    # A link could make us read, and keep, what the adapter itself may not.
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(opened, "rb") as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"{path.name}: more than {most_bytes} bytes")
    return content


def _read_result(values: Any, task: Task, labels: Sequence[str]) -> AdapterResult:
    given, output = values["input"], values["output"]
    found = tuple(str(label) for label in values["labels"])
    if not found or len(set(found)) != len(found) or not set(found) <= set(labels):
        raise ValueError(f"labels {', '.join(found)[:100]} are not those that it was given")
    if output["kind"] not in OUTPUT_KINDS[task]:
        raise ValueError(f"output.kind: one of {', '.join(OUTPUT_KINDS[task])}")
    names = tuple(str(one) for one in output["names"])
    if len(names) != (2 if output["kind"] in ("boxes", "detr") else 1):
        raise ValueError("output.names")
    if given["layout"] not in INPUT_LAYOUTS or values.get("resize", "stretch") not in RESIZES:
        raise ValueError("input.layout or resize")
    scale = _finite(given.get("scale", 1.0))
    std = _three(given.get("std", [1.0, 1.0, 1.0]))
    if scale <= 0 or min(std) <= 0:
        raise ValueError("input.scale and input.std lie above 0")
    return AdapterResult(
        labels=found,
        width_px=_side(values["width_px"]),
        height_px=_side(values["height_px"]),
        resize=str(values.get("resize", "stretch")),
        input=GraphInput(
            str(given["name"]),
            str(given["layout"]),
            given.get("dtype", "uint8") != "uint8",
            scale,
            _three(given.get("mean", [0.0, 0.0, 0.0])),
            std,
        ),
        kind=str(output["kind"]),
        names=names,
        best_epoch=max(0, int(values.get("best_epoch", 0))),
        epochs_done=max(0, int(values.get("epochs_done", 0))),
        license=str(values.get("license", ""))[:200],
        reported=read_figures(values.get("val", {})),
    )


def read_figures(values: Any) -> dict[str, float]:
    """Return the numbers of an object by name, without what is none; at most fifty."""
    if not isinstance(values, Mapping):
        return {}
    found = {
        str(name)[:40]: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    return dict(list(found.items())[:50])


def _side(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 16 <= value <= 4096:
        raise ValueError("width_px and height_px: 16 to 4096")
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number")
    return float(value)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (_finite(value) for value in values)
    return red, green, blue
