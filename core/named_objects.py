"""What rows name in the object store: single objects, bundles, and folders of which a row needs everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from core.identity import BATCHES, COMPARISONS, IMPORTS, TRAINING_FOLDER
from core.schedules.records import read_files
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


@dataclass(frozen=True, slots=True)
class NamedObject:
    """What a row names: an object, or with a key that ends in "/" all objects of a bundle. `name` is for people."""

    table: str
    column: str
    row_id: int
    name: str
    key: str


@dataclass(frozen=True)
class Named:
    """All that rows name at one moment. `bundle_bytes` are the sizes of bundles by their prefix, with its slash.

    Of the `held_folders` a row needs everything, whatever it is.
    """

    objects: list[NamedObject]
    bundles: list[NamedObject]
    bundle_bytes: dict[str, int]
    held_folders: frozenset[str]


def read_named(session: Session) -> Named:
    """Return what the rows name, as the session sees them."""
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
    return Named(_read_objects(session), bundles, bundle_bytes, held)


def _read_objects(session: Session) -> list[NamedObject]:
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
