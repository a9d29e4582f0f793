"""Runs side by side as files: a table, everything as JSON, and the images with what each run said."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from core.files.spreadsheet_cells import guard_text
from core.training.experiments.figures import FIGURES
from core.training.runs.overview import describe_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.training.experiments.side_by_side import SideBySide


def to_csv(found: SideBySide) -> bytes:
    """Return a line for each run, with the settings that differ and the figures; UTF-8 with a mark, as Excel wants."""
    names = FIGURES.get(found.task, ())
    columns = ["run", "name", "experiment", "recipe", "seed", "dataset_version", "state", "seconds", "split", "images"]
    columns += [one.path for one in found.settings]
    columns += [f"{name}{suffix}" for name in names for suffix in ("", "_low", "_high", "_minus_first", "_difference")]
    rows = []
    for place, run in enumerate(found.runs):
        head = run.head
        row: list[Any] = [
            head.id, head.name, head.experiment, head.recipe, head.seed, head.dataset_number, head.state,
            round(head.train_s, 2), found.split, len(found.images),
        ]  # fmt: skip
        row += [one.values[place] for one in found.settings]
        for figure in found.figures:
            value = figure.values[place]
            change = figure.differences[place - 1] if place else None
            row += [None, None, None] if value is None else [value.value, value.low, value.high]
            row += [None, None] if change is None else [change.value, "shown" if change.is_shown else "not shown"]
        rows.append(row)
    return _write(columns, rows)


def images_to_csv(found: SideBySide) -> bytes:
    """Return a line for each image that all runs were measured on, with what each named and how right that was."""
    columns = ["image", "split", "part", "domain", "truth", "differs"]
    columns += [f"run {run.head.id} {word}" for run in found.runs for word in ("named", "right", "match", "score")]
    rows = []
    for image in found.images:
        row: list[Any] = [image.image_id, found.split, image.part, image.domain, image.truth, int(image.differs)]
        for one in image.said:
            row += [one.named, int(one.right), one.quality, one.score]
        rows.append(row)
    return _write(columns, rows)


def to_json(found: SideBySide) -> bytes:
    """Return everything but the images as JSON."""
    data = {
        "split": found.split,
        "images": len(found.images),
        "same_images": found.same_images,
        "runs": [
            {
                **describe_head(run.head),
                "configuration": dict(run.configuration),
                "val": dict(run.val),
                "test": dict(run.test),
                "epochs": [one.to_json() for one in epochs],
            }
            for run, epochs in zip(found.runs, found.epochs, strict=True)
        ],
        "settings": [{"setting": one.path, "values": list(one.values)} for one in found.settings],
        "figures": [one.to_json() for one in found.figures],
        "per_class": {one.label: {"n": list(one.counts), "values": list(one.values)} for one in found.classes},
    }
    return json.dumps(data, ensure_ascii=False, indent=1, default=list).encode()


def _write(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(map(guard_text, columns))
    table.writerows([[_cell(value) for value in row] for row in rows])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    return guard_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=list))
