"""What leaves a batch: its table as CSV or Excel, and its NG parts with the places that differ, as a ZIP file.

All are made piece by piece: a thousand parts take no more memory than a few.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from core.audit import Actor
from core.batches.results import BatchRow, RowFilter, list_rows
from core.errors import AppError
from core.files.file_names import clean_file_name
from core.files.zip_streams import ZipPieces
from core.i18n import N_, translate
from core.inspections.colormap import color_heat, overlay_heat
from core.inspections.images import load_images
from core.inspections.records import load_record
from core.inspections.terms import VERDICT_NAMES
from core.outgoing import counted, note_export
from core.reports.tables import Column, Link, Row, stream_csv, write_xlsx
from core.similarity.matches import fetch_thumbnails
from core.transactions import HasDatabase, HasStores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.inspections.by_view.records import ViewRecord
    from core.inspections.records import InspectionRecord

_PAGE_ROWS = 200
_OVERLAY_PX = 1400
STATE_NAMES: dict[str, str] = {"waiting": N_("Waiting"), "done": N_("Finished"), "failed": N_("Refused")}
# Where an inspection is opened: its address by its number.
Address = Callable[[int], str]


def stream_batch_csv(
    services: HasDatabase,
    job_id: int,
    *,
    language: str,
    address: Address,
    zone: tzinfo = UTC,
    person: Actor | None = None,
) -> Iterator[bytes]:
    """Yield the table of a batch as a CSV file in pieces; the audit log keeps that it was exported."""
    rows = counted(_rows(services, job_id, language, address), _note(services, job_id, "csv", person))
    return stream_csv(_columns(language), rows, zone=zone)


def write_batch_xlsx(
    services: HasStores,
    job_id: int,
    target: Path,
    *,
    language: str,
    address: Address,
    zone: tzinfo = UTC,
    person: Actor | None = None,
) -> None:
    """Write the table of a batch, with small pictures, as an Excel workbook to `target`. Raises OSError."""
    rows = counted(
        _rows(services, job_id, language, address, pictures_of=services), _note(services, job_id, "xlsx", person)
    )
    title = translate(language, N_("Batch {number}")).format(number=job_id)
    write_xlsx(target, _columns(language), rows, sheet=title, zone=zone)


def stream_rejected(
    services: HasStores,
    job_id: int,
    *,
    language: str,
    address: Address,
    zone: tzinfo = UTC,
    person: Actor | None = None,
) -> Iterator[bytes]:
    """Yield a ZIP file of the NG parts in pieces: each image as it came, with its overlay, and the table of them.

    Of a part with views every picture is there, under the name of its file with the view's code, and an overlay where
    it could be judged. What cannot be read is named in a text file with the reason, and the others go on.
    """
    out = ZipPieces()
    missing: list[str] = []
    # Stored and not deflated: images are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        parts = _each_row(services, job_id, RowFilter(kind="reject"))
        for row in counted(parts, _note(services, job_id, "zip", person)):
            missing += [f"{name}: {error.sentence(language)}" for name, error in _add_part(services, archive, row)]
            yield out.take()
        rejected = _rows(services, job_id, language, address, kind="reject")
        archive.writestr("parts.csv", b"".join(stream_csv(_columns(language), rejected, zone=zone)))
        if missing:
            archive.writestr("missing.txt", "\r\n".join(missing).encode("utf-8-sig"))
    yield out.take()


def _note(services: HasDatabase, job_id: int, form: str, person: Actor | None) -> Callable[[int, bool], None]:
    def note(count: int, whole: bool) -> None:
        note_export(
            services, person, "batch", subject_type="batch", subject_id=job_id, form=form, count=count, whole=whole
        )

    return note


def _draw_overlay(services: HasStores, record: InspectionRecord) -> NDArray[np.uint8]:
    """Return the picture with heat and outlined places, RGB uint8, no side longer than 1400 px.

    Raises NotFound and Unavailable.
    """
    from inference.vision.images.outlines import draw_outlined

    images = load_images(services, record)
    review_at, reject_at = record.map_limits
    heat = color_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at)
    small = draw_outlined(images.pixels, longest_side_px=_OVERLAY_PX)
    scale = small.shape[1] / images.pixels.shape[1]
    boxes = [
        (round(one.x * scale), round(one.y * scale), round(one.w * scale), round(one.h * scale))
        for one in record.regions
    ]
    return draw_outlined(overlay_heat(small, heat), longest_side_px=_OVERLAY_PX, boxes=boxes)


def _add_part(services: HasStores, archive: zipfile.ZipFile, row: BatchRow) -> list[tuple[str, AppError]]:
    """Add the pictures of a part; return the names of those that cannot be read, with the reasons."""
    assert row.inspection_id is not None
    try:
        record = load_record(services, row.inspection_id)
    except AppError as error:
        return [(row.name, error)]
    # Numbered, because two folders may hold files of one name.
    number = f"{row.place + 1:05d}"
    if record.combined is None:
        pictures = [(row.name, f"{number}_{_stem(row.name)}", record)]
    else:
        pictures = [
            (one.original_name, f"{number}_{_with_view(_stem(one.original_name), one)}", record.of_view(one))
            for one in record.combined.pictures
            if one.image_key
        ]
    missing = []
    for name, stem, pictured in pictures:
        try:
            _add_picture(services, archive, stem, pictured)
        except AppError as error:
            missing.append((name, error))
    return missing


def _stem(name: str) -> str:
    return PurePosixPath(clean_file_name(name)).stem[:120]


def _with_view(stem: str, one: ViewRecord) -> str:
    """Return the name of a picture with its view and exposure at the end, so that no two of a part are alike."""
    place = one.code if one.exposure == 0 else f"{one.code}-{one.exposure + 1}"
    return stem if stem.endswith(f"_{place}") else f"{stem}_{place}"


def _add_picture(services: HasStores, archive: zipfile.ZipFile, stem: str, record: InspectionRecord) -> None:
    from core.errors import from_lower
    from inference.vision.images.encoding import encode_jpeg
    from storage.object_store import ObjectStoreError

    overlay = encode_jpeg(_draw_overlay(services, record), quality=88) if record.heat_map_key else None
    try:
        image = services.objects.get(record.image_key)
    except ObjectStoreError as error:
        raise from_lower(error, name=record.original_name) from error
    # The ending is that of the content.
    archive.writestr(f"images/{stem}{PurePosixPath(record.image_key).suffix}", image)
    if overlay is not None:
        archive.writestr(f"overlays/{stem}.jpg", overlay)


def _columns(language: str) -> list[Column]:
    def title(msgid: str) -> str:
        return translate(language, msgid)

    return [
        Column(title(N_("No.")), "whole", 7),
        Column(title(N_("Picture")), "picture", 14),
        Column(title(N_("File")), "text", 34),
        Column(title(N_("State")), "text", 12),
        Column(title(N_("Verdict")), "text", 12),
        Column(title(N_("Model's own verdict")), "text", 14),
        Column(title(N_("Score")), "number", 11),
        Column(title(N_("Review from")), "number", 11),
        Column(title(N_("NG from")), "number", 11),
        Column(title(N_("Defect type")), "text", 20),
        Column(title(N_("Serial number")), "text", 18),
        Column(title(N_("Inspected")), "moment", 20),
        Column(title(N_("Inspection")), "link", 11),
        Column(title(N_("Reason")), "text", 40),
    ]


def _rows(
    services: HasDatabase,
    job_id: int,
    language: str,
    address: Address,
    *,
    kind: str = "",
    pictures_of: HasStores | None = None,
) -> Iterator[Row]:
    for page in _each_page(services, job_id, RowFilter(kind=kind)):
        keys = [row.thumbnail_key for row in page if row.thumbnail_key]
        pictures = fetch_thumbnails(pictures_of.objects, keys) if pictures_of is not None else {}
        for row in page:
            yield _cells(row, language, address, pictures.get(row.thumbnail_key))


def _cells(row: BatchRow, language: str, address: Address, picture: bytes | None) -> Row:
    name = row.defect_type
    type_name = "" if name is None else (name.name_ko if language == "ko" else name.name_en) or name.code
    return (
        row.place + 1,
        picture,
        ", ".join(row.names),
        translate(language, STATE_NAMES[row.state]),
        translate(language, VERDICT_NAMES[row.verdict]) if row.verdict else "",
        translate(language, VERDICT_NAMES[row.model_verdict]) if row.model_verdict else "",
        row.score,
        row.review_at,
        row.reject_at,
        type_name,
        row.serial,
        row.created_at,
        Link(str(row.inspection_id), address(row.inspection_id)) if row.inspection_id is not None else None,
        row.error.sentence(language) if row.error is not None else "",
    )


def _each_row(services: HasDatabase, job_id: int, wanted: RowFilter) -> Iterator[BatchRow]:
    for page in _each_page(services, job_id, wanted):
        yield from page


def _each_page(services: HasDatabase, job_id: int, wanted: RowFilter) -> Iterator[list[BatchRow]]:
    offset = 0
    while True:
        rows, _ = list_rows(services, job_id, wanted, offset=offset, limit=_PAGE_ROWS)
        if not rows:
            return
        yield rows
        offset += len(rows)
