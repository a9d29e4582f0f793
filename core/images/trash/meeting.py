"""New images that lie in the trash already: they are refused, with the word that they can be put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, or_, select

from core.errors import Conflict
from core.images.records import FileOutcome, PreparedImage
from storage.tables import TrashedImage

_AT_ONCE = 400


def refuse_deleted(session: Session, product_id: int, prepared: Sequence[PreparedImage]) -> dict[str, FileOutcome]:
    """Return, by token, the refusal (`image_in_trash`) of images whose content or pixels lie in the product's trash.

    The last deleted counts where several have the same content. Its place in the trash is among the error's
    parameters (`trash_id`), for whoever offers to put it back.
    """
    by_hash = _find_same(session, product_id, prepared)
    refused: dict[str, FileOutcome] = {}
    for entry in prepared:
        deleted = by_hash.get(entry.content_sha256) or by_hash.get(entry.pixel_sha256)
        if deleted is None:
            continue
        name = entry.item.file.name
        told: dict[str, Any] = {
            "name": name,
            "existing": deleted.stored_name,
            "since": deleted.deleted_at.astimezone().date().isoformat(),
            "trash_id": deleted.id,
            "product_id": product_id,
        }
        refused[entry.token] = FileOutcome(name, "refused", error=Conflict("image_in_trash", **told))
    return refused


def _find_same(session: Session, product_id: int, prepared: Sequence[PreparedImage]) -> dict[str, TrashedImage]:
    row = col(TrashedImage.row)
    found: dict[str, TrashedImage] = {}
    for start in range(0, len(prepared), _AT_ONCE):
        some = prepared[start : start + _AT_ONCE]
        same = or_(
            row["content_sha256"].as_string().in_([entry.content_sha256 for entry in some]),
            row["pixel_sha256"].as_string().in_([entry.pixel_sha256 for entry in some]),
        )
        query = select(TrashedImage).where(TrashedImage.product_id == product_id, same)
        for trashed in session.exec(query.order_by(col(TrashedImage.id))).all():
            found |= {str(trashed.row.get(name)): trashed for name in ("content_sha256", "pixel_sha256")}
    return found
