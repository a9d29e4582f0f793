"""What leaves of a dataset version: its manifest, and its images in the formats of an export, split as it is."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Literal

from core.access import ENGINEER, Person, require_role
from core.catalog.products import get_product
from core.datasets.reading import load_dataset, require_intact
from core.datasets.records import Dataset
from core.errors import BadInput
from core.files.spreadsheet_cells import guard_cell
from core.images.exports.records import ExportChoice
from core.services import Services
from core.transactions import HasDatabase

ManifestFormat = Literal["json", "csv"]
MANIFEST_FORMATS: tuple[ManifestFormat, ...] = ("json", "csv")
CONTENT_TYPES: dict[ManifestFormat, str] = {"json": "application/json", "csv": "text/csv"}
VERSION = 1
COLUMNS = (
    "image_id", "sha256", "image_type", "label", "part", "view", "domain", "split", "mask_sha256",
)  # fmt: skip


def make_manifest(services: Services, person: Person, dataset_id: int, form: ManifestFormat) -> bytes:
    """Return every row of a version with its hashes, as JSON with the rule and preprocessing, or as CSV for tables.

    Also of a broken one: it says what it was. Raises NotAllowed, NotFound dataset_unknown.
    """
    require_role(services, person, ENGINEER)
    dataset = load_dataset(services, dataset_id)
    product = get_product(services, dataset.head.product_id)
    if form == "csv":
        return _as_csv(dataset)
    head = dataset.head.to_json()
    about = {
        "geomsa_dataset": VERSION,
        "product": product.code,
        **{name: head[name] for name in ("number", "name", "hash", "created_at", "rule", "preprocessing", "broken")},
        "images": [dict(zip(COLUMNS, row, strict=True)) for row in _rows(dataset)],
    }
    return (json.dumps(about, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode("utf-8")


def name_manifest(product_code: str, number: int, form: ManifestFormat) -> str:
    """Return the file name of a manifest."""
    return f"{product_code}_dataset_{number}.{form}"


def choose_images(services: HasDatabase, person: Person, dataset_id: int, choice: ExportChoice) -> ExportChoice:
    """Return the choice narrowed to the images of a version, in the splits that they have there.

    Raises NotAllowed, NotFound dataset_unknown, BadInput image_split_unknown, and Conflict for a version that is
    broken: its images are not what they were.
    """
    require_role(services, person, ENGINEER)
    dataset = load_dataset(services, dataset_id)
    require_intact(dataset.head)
    if any(split not in {"train", "val", "test"} for split in choice.splits):
        raise BadInput("image_split_unknown")
    chosen = [image for image in dataset.images if not choice.splits or image.split in choice.splits]
    return replace(
        choice,
        splits=(),
        image_ids=tuple(image.image_id for image in chosen),
        split_by_id={image.image_id: image.split for image in chosen},
    )


def _rows(dataset: Dataset) -> list[tuple[int | str, ...]]:
    return [
        (
            one.image_id, one.content_sha256, one.image_type, one.label, one.part, one.view, one.domain, one.split,
            one.mask_sha256,
        )
        for one in dataset.images
    ]  # fmt: skip


def _as_csv(dataset: Dataset) -> bytes:
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(COLUMNS)
    for row in _rows(dataset):
        lines.writerow(map(guard_cell, row))
    return out.getvalue().encode("utf-8-sig")
