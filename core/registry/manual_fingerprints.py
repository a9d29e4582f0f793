"""What a product's manual index would be built from now, as a hash: its manuals and the sentence encoder."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from core.models.encoder import encoder_stamp
from core.models.kinds import MANUAL_INDEX
from storage.tables import Manual

# Raise it when a change of our own code makes older indexes out of date: how pages are read above all, because an index
# holds what was read, and without it a build would find nothing to do.
INDEX_REVISION = 3


def manual_fingerprints(
    session: Session, weights_dir: Path, product_ids: list[int] | None = None, *, ocr: str = ""
) -> dict[tuple[str, int, str], str]:
    """Return what `fingerprints` does, of manual indexes. A manual's file never changes, so its id stands for it.

    `ocr` is the stamp of the engine for scanned pages: it counts where a manual has such pages.
    """
    query = select(Manual.product_id, Manual.id, Manual.pages_without_text).order_by(col(Manual.id))
    if product_ids is not None:
        query = query.where(col(Manual.product_id).in_(product_ids))
    manuals: dict[int, list[int]] = defaultdict(list)
    scanned: set[int] = set()
    for product_id, manual_id, empty_pages in session.exec(query).all():
        manuals[product_id].append(manual_id or 0)
        if empty_pages:
            scanned.add(product_id)
    encoder = encoder_stamp(weights_dir) if manuals else ""
    return {
        (MANUAL_INDEX, product_id, ""): _hash([INDEX_REVISION, encoder, ids, *([ocr] if product_id in scanned else [])])
        for product_id, ids in manuals.items()
    }


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
