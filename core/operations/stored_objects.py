"""What lies in the object store beside what the rows name: one pass over the store, one query a column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlmodel import Session, col, select

from core.errors import from_lower
from core.identity import AUDIT, BATCHES, COMPARISONS, FOLDERS, IMPORTS, TRAINING_FOLDER, TRASH
from core.schedules.records import read_files
from core.transactions import HasStores, reading
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError, transfer_in_parallel
from storage.tables import (
    BatchItem,
    Comparison,
    GaugeTrial,
    Image,
    ImageImport,
    Inspection,
    InspectionView,
    Manual,
    MethodModel,
    ModelVersion,
    ReportRun,
    SecondOpinion,
    TrainingRun,
    TrashedImage,
)

MANIFEST = "manifest.json"
# What seems to be missing is looked at once more: it may have been put after the pass went by. So many at most; more
# than that are never on their way at once.
_LOOKED_AT_AGAIN = 1000


@dataclass(frozen=True, slots=True)
class NamedObject:
    """What a row names: an object, or with a key that ends in "/" all objects of a bundle. `name` is for people."""

    table: str
    column: str
    row_id: int
    name: str
    key: str


@dataclass(frozen=True)
class Stock:
    """The objects by key, those in the trash apart, and what the rows name."""

    objects: dict[str, ObjectInfo]
    trash: dict[str, ObjectInfo]
    named: list[NamedObject]
    bundle_bytes: dict[str, int]
    # Folders of which a row needs everything, whatever it is.
    held_folders: frozenset[str] = frozenset()

    def names(self, key: str) -> bool:
        """Return whether a row names this object, by itself or as part of a bundle; an anchor needs none."""
        if key.startswith(AUDIT) or key in self._keys or "/".join(key.split("/")[:2]) in self.held_folders:
            return True
        parts = key.split("/")
        return any("/".join(parts[:count]) + "/" in self.bundle_bytes for count in range(1, len(parts)))

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(one.key for one in self.named)


def take_stock(services: HasStores) -> Stock:
    """Return what is there and what is named. Raises AppError when a store fails."""
    objects: dict[str, ObjectInfo] = {}
    trash: dict[str, ObjectInfo] = {}
    try:
        for folder in (*FOLDERS, TRASH):
            found = trash if folder == TRASH else objects
            found.update((info.key, info) for info in services.objects.list(folder))
    except ObjectStoreError as error:
        raise from_lower(error) from error
    # The rows are read after the listing, so that whatever was committed in between counts as named.
    with reading(services) as session:
        named = _read_named(session)
        bundles, bundle_bytes = _read_bundles(session)
        staged = session.exec(select(ImageImport.staged).where(ImageImport.staged != "")).all()
        compared = session.exec(select(Comparison.id)).all()
        trained = session.exec(select(TrainingRun.id)).all()
    held = frozenset(
        [
            *(f"{IMPORTS}{folder}" for folder in staged),
            *(f"{COMPARISONS}{one}" for one in compared),
            *(f"{TRAINING_FOLDER}{one}" for one in trained),
        ]
    )
    return Stock(objects, trash, named + bundles, bundle_bytes, held)


def find_missing(services: HasStores, stock: Stock | None = None) -> list[NamedObject]:
    """Return what rows name and the store does not hold, or for a bundle not all of it. Raises AppError."""
    stock = take_stock(services) if stock is None else stock
    sizes: Counter[str] = Counter()
    for info in stock.objects.values():
        sizes[f"{info.key.rpartition('/')[0]}/"] += info.byte_size
    missing = [
        one
        for one in stock.named
        if (
            one.key not in stock.objects
            if not one.key.endswith("/")
            else one.key + MANIFEST not in stock.objects or sizes[one.key] < stock.bundle_bytes[one.key]
        )
    ]
    if len(missing) > _LOOKED_AT_AGAIN:
        return missing
    absent = []
    for one, outcome in transfer_in_parallel(lambda one: _is_there(services.objects, stock, one), missing):
        if isinstance(outcome, ObjectStoreError):
            # A key that the store refuses is one under which nothing can lie.
            if outcome.code != "object_key_invalid":
                raise from_lower(outcome) from outcome
            outcome = False
        if not outcome:
            absent.append(one)
    return absent


def _is_there(objects: ObjectStore, stock: Stock, one: NamedObject) -> bool:
    if not one.key.endswith("/"):
        return objects.exists(one.key)
    found = {info.key: info.byte_size for info in objects.list(one.key)}
    return one.key + MANIFEST in found and sum(found.values()) >= stock.bundle_bytes[one.key]


def _read_named(session: Session) -> list[NamedObject]:
    columns: tuple[tuple[Any, str, Any], ...] = (
        (Image, "object_key", Image.stored_name),
        (Image, "thumbnail_key", Image.stored_name),
        (Image, "mask_key", Image.stored_name),
        (TrashedImage, "object_key", TrashedImage.stored_name),
        (TrashedImage, "thumbnail_key", TrashedImage.stored_name),
        (TrashedImage, "mask_key", TrashedImage.stored_name),
        (Inspection, "image_key", Inspection.original_name),
        (Inspection, "thumbnail_key", Inspection.original_name),
        (Inspection, "heat_map_key", Inspection.original_name),
        (InspectionView, "image_key", InspectionView.original_name),
        (InspectionView, "thumbnail_key", InspectionView.original_name),
        (InspectionView, "heat_map_key", InspectionView.original_name),
        (SecondOpinion, "map_key", SecondOpinion.method),
        (Manual, "object_key", Manual.title),
        (BatchItem, "object_key", BatchItem.name),
        (Comparison, "result_key", Comparison.name),
        (TrainingRun, "result_key", TrainingRun.name),
        (TrainingRun, "last_checkpoint_key", TrainingRun.name),
        (GaugeTrial, "image_key", GaugeTrial.original_name),
        (GaugeTrial, "thumbnail_key", GaugeTrial.original_name),
    )
    named = []
    for table, column, name in columns:
        key = col(getattr(table, column))
        for row_id, words, found in session.exec(select(table.id, name, key).where(key.is_not(None), key != "")):
            # A batch also names files in folders that are not ours; whether they are there is not ours to answer for.
            if table is not BatchItem or found.startswith(BATCHES):
                named.append(NamedObject(table.__tablename__, column, row_id, words, found))
    for run_id, files in session.exec(select(ReportRun.id, ReportRun.files)):
        named += [
            NamedObject("report_runs", "files", run_id, file.name, file.place)
            for file in read_files(files)
            if not file.in_folder
        ]
    return named


def _read_bundles(session: Session) -> tuple[list[NamedObject], dict[str, int]]:
    bundles, sizes = [], {}
    # Whole rows: there are only as many as are stored for each product.
    for row in session.exec(select(ModelVersion).where(ModelVersion.object_prefix != "")):
        folder = row.object_prefix.rstrip("/") + "/"
        bundles.append(NamedObject("model_versions", "object_prefix", row.id, f"{row.kind} {row.number}", folder))
        sizes[folder] = row.byte_size
    for model in session.exec(select(MethodModel).where(MethodModel.object_prefix != "")):
        folder = model.object_prefix.rstrip("/") + "/"
        bundles.append(NamedObject("method_models", "object_prefix", model.id, model.method, folder))
        sizes[folder] = model.byte_size
    for run in session.exec(select(TrainingRun).where(TrainingRun.object_prefix != "")):
        folder = run.object_prefix.rstrip("/") + "/"
        # The version of the run names the same bundle: it is said once that it is missing.
        if folder not in sizes:
            bundles.append(NamedObject("training_runs", "object_prefix", run.id, run.name, folder))
            sizes[folder] = run.byte_size
    return bundles, sizes
