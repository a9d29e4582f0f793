"""Objects that are there and are not what their row says: of another size, or thoroughly, of another content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from core.errors import from_lower
from core.named_objects import MANIFEST, NamedObject
from core.operations.stored_objects import Stock
from core.schedules.records import read_files
from core.transactions import HasStores, reading
from inference.errors import ImageError
from storage.object_store import ObjectStore, ObjectStoreError, transfer_in_parallel
from storage.tables import (
    GaugeTrial,
    Image,
    Inspection,
    InspectionView,
    Manual,
    MethodModel,
    ModelVersion,
    ReportRun,
    TrainingRun,
    TrashedImage,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a row says of an object: its SHA-256 ("": it keeps none), its size in bytes (None: it keeps none)."""

    named: NamedObject
    sha256: str
    byte_size: int | None = None


@dataclass(frozen=True, slots=True)
class DamagedObject:
    """An object that is not what its row says. `why` is size, content or picture (a thumbnail that cannot be read)."""

    named: NamedObject
    why: str
    expected: Expected | None = None


def read_expected(services: HasStores) -> list[Expected]:
    """Return what rows say of their objects, for every row that keeps a hash. Raises AppError."""
    with reading(services) as session:
        return [*_of_pictures(session), *_of_images(session), *_of_reports(session), *_of_manifests(session)]


def find_damaged(
    services: HasStores, stock: Stock, expected: Iterable[Expected], *, thorough: bool
) -> list[DamagedObject]:
    """Return what is there and is not what its row says; with `thorough` by reading every object that has a hash.

    Thoroughly, the files of model bundles are compared with their manifests, and thumbnails are decoded, too.
    Raises AppError when a store fails.
    """
    wanted = [one for one in expected if one.named.key in stock.objects]
    found = [_of_size(services.objects, stock, one) for one in wanted]
    damaged = [DamagedObject(one.named, "size", one) for one, is_wrong in zip(wanted, found, strict=True) if is_wrong]
    thumbnails = [one for one in stock.named if one.column == "thumbnail_key" and one.key in stock.objects]
    damaged += [DamagedObject(one, "picture") for one in thumbnails if not stock.objects[one.key].byte_size]
    if not thorough:
        return damaged
    known = {one.named for one in damaged}
    rest = [one for one in wanted if one.named not in known and one.sha256]
    damaged += [DamagedObject(one.named, "content", one) for one in _with_other_content(services.objects, rest)]
    unread = [one for one in thumbnails if one not in known]
    damaged += [DamagedObject(one, "picture") for one in _unreadable(services.objects, unread)]
    bundles = [one for one in wanted if one.named.key.endswith(f"/{MANIFEST}") and one.named not in known]
    wrong = {one.named for one in damaged}
    files = [file for one in bundles if one.named not in wrong for file in _files_of(services.objects, one)]
    there = [one for one in files if one.named.key in stock.objects]
    return damaged + [DamagedObject(one.named, "content", one) for one in _with_other_content(services.objects, there)]


def has_content(objects: ObjectStore, key: str, sha256: str) -> bool:
    """Return whether the object is there and its bytes, read now, have this hash. Raises ObjectStoreError."""
    try:
        return hashlib.sha256(objects.get(key)).hexdigest() == sha256
    except ObjectStoreError as error:
        if error.code in {"object_missing", "object_key_invalid"} or error.params.get("reason") == "damaged":
            return False
        raise


def _of_size(objects: ObjectStore, stock: Stock, one: Expected) -> bool:
    if one.byte_size is None or stock.objects[one.named.key].byte_size == one.byte_size:
        return False
    try:
        # Once more: it may have been replaced since it was listed.
        return objects.size(one.named.key) != one.byte_size
    except ObjectStoreError as error:
        if error.code == "object_missing":
            return False
        raise from_lower(error) from error


def _with_other_content(objects: ObjectStore, wanted: Iterable[Expected]) -> Iterator[Expected]:
    for one, outcome in transfer_in_parallel(lambda one: has_content(objects, one.named.key, one.sha256), wanted):
        if isinstance(outcome, ObjectStoreError):
            raise from_lower(outcome) from outcome
        # Deleted meanwhile, it is no damage; that it is missing is found by who looks for what is missing.
        if not outcome and _exists(objects, one.named.key):
            yield one


def _exists(objects: ObjectStore, key: str) -> bool:
    try:
        return objects.exists(key)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def _unreadable(objects: ObjectStore, thumbnails: Iterable[NamedObject]) -> Iterator[NamedObject]:
    from inference.vision.images.decode import decode

    def can_be_read(one: NamedObject) -> bool:
        try:
            decode(objects.get(one.key))
        except ImageError:
            return False
        except ObjectStoreError as error:
            if error.code == "object_missing":
                return True
            raise
        return True

    for one, outcome in transfer_in_parallel(can_be_read, thumbnails):
        if isinstance(outcome, ObjectStoreError):
            raise from_lower(outcome) from outcome
        if not outcome:
            yield one


def _files_of(objects: ObjectStore, manifest: Expected) -> list[Expected]:
    """Return what a manifest, whose own hash was right, says of the other files of its bundle."""
    try:
        document = json.loads(objects.get(manifest.named.key))
    except ObjectStoreError as error:
        if error.code == "object_missing":
            return []
        raise from_lower(error) from error
    except ValueError:
        return []
    files = document.get("files") if isinstance(document, dict) else None
    folder = manifest.named.key.removesuffix(MANIFEST)
    row = manifest.named
    return [
        Expected(
            NamedObject(row.table, row.column, row.row_id, row.name, folder + str(name)),
            str(record.get("sha256", "")),
            int(record.get("byte_size", 0)),
        )
        for name, record in (files.items() if isinstance(files, dict) else ())
        if isinstance(record, dict)
    ]


def _of_images(session: Session) -> Iterator[Expected]:
    sized: tuple[tuple[Any, Any], ...] = ((Image, Image.stored_name), (Manual, Manual.title))
    for table, name in sized:
        rows = session.exec(
            select(table.id, name, table.object_key, table.content_sha256, table.byte_size)  # type: ignore[call-overload]
        )
        for row_id, words, key, sha256, byte_size in rows:
            yield Expected(NamedObject(table.__tablename__, "object_key", row_id, words, key), sha256, byte_size)
    for trashed in session.exec(select(TrashedImage)):
        named = NamedObject("trashed_images", "object_key", trashed.id, trashed.stored_name, trashed.object_key)
        size = trashed.row.get("byte_size")
        yield Expected(named, str(trashed.row.get("content_sha256", "")), size if isinstance(size, int) else None)


def _of_pictures(session: Session) -> Iterator[Expected]:
    tables: tuple[Any, ...] = (Inspection, InspectionView, GaugeTrial)
    for table in tables:
        query = select(table.id, table.original_name, table.image_key, table.image_sha256).where(
            col(table.image_key) != "", col(table.image_sha256) != ""
        )
        for row_id, words, key, sha256 in session.exec(query):
            yield Expected(NamedObject(table.__tablename__, "image_key", row_id, words, key), sha256)


def _of_reports(session: Session) -> Iterator[Expected]:
    for run_id, files in session.exec(select(ReportRun.id, ReportRun.files)):
        for file in read_files(files):
            if not file.in_folder:
                named = NamedObject("report_runs", "files", run_id, file.name, file.place)
                yield Expected(named, file.sha256, file.byte_size)


def _of_manifests(session: Session) -> Iterator[Expected]:
    tables: tuple[tuple[Any, Any], ...] = (
        (ModelVersion, ModelVersion.kind), (MethodModel, MethodModel.method), (TrainingRun, TrainingRun.name),
    )  # fmt: skip
    for table, name in tables:
        query = select(table.id, name, table.object_prefix, table.manifest_sha256).where(
            col(table.object_prefix) != "", col(table.manifest_sha256) != ""
        )
        for row_id, words, prefix, sha256 in session.exec(query):
            key = f"{prefix.rstrip('/')}/{MANIFEST}"
            yield Expected(NamedObject(table.__tablename__, "object_prefix", row_id, words, key), sha256)
