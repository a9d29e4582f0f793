"""What a memory bank or a similarity index would be built from now, as a hash: another one means out of date."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sqlalchemy_select
from sqlmodel import Session, col, select

from core.images.bit_depth import read_bit_depth
from core.images.outliers import KEPT
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import DETECTION, SIMILARITY
from core.registry.choices import chosen
from core.registry.index_examples import confirmation_stamps
from core.registry.versions import IMAGES_OF, PARTS
from inference.vision.images.bit_depth import BY_IMAGE
from storage.tables import Image, ImagePreprocessing, ModelVersion

# Part of every fingerprint: raise it when a change of our own code makes older builds out of date.
BUILD_REVISION = 2


def fingerprints(session: Session, product_ids: list[int] | None = None) -> dict[tuple[str, int, str], str]:
    """Return what a build of (kind, product, part) would be made from now, as a hash: images, preprocessing, model.

    Images are stamped by count, ids and last change, so it costs one grouped query and not a look at each image.
    """
    detection, similarity = chosen(session, DETECTION), chosen(session, SIMILARITY)
    preprocessing = {row.product_id: row.options for row in session.exec(select(ImagePreprocessing)).all()}
    banks = set(
        session.exec(
            select(ModelVersion.product_id).where(
                ModelVersion.kind == MEMORY_BANK, col(ModelVersion.active_key).is_not(None)
            )
        ).all()
    )
    confirmed = confirmation_stamps(session, product_ids)
    kept = _kept_images(session, product_ids)
    found: dict[tuple[str, int, str], str] = {}
    for product_id, stamps in _image_stamps(session, product_ids).items():
        training = [stamps.get("normal/train"), stamps.get("defect/train")]
        bank: list[Any] = [detection.option.name, detection.options, preprocessing.get(product_id, {}), training]
        if product_id in kept:
            # A build that set one of them apart did not learn from it; the next one does.
            bank.append({"kept": kept[product_id]})
        found[(MEMORY_BANK, product_id, "")] = _digest(bank)
        for part in PARTS[SIMILARITY_INDEX]:
            stamp = stamps.get(f"{IMAGES_OF[part]}/train")
            # What people confirmed counts at the next deployment.
            inspected = [confirmed[product_id]] if IMAGES_OF[part] == "defect" and product_id in confirmed else []
            if stamp or inspected:
                # Without a memory bank nothing says where the defects are: its first one changes that.
                seen = [product_id in banks] if part == "region" else []
                depth = read_bit_depth(preprocessing.get(product_id, {}))
                read_by = [] if depth == BY_IMAGE else [f"{depth} bits"]
                made_of = [similarity.option.name, part, stamp, *seen, *inspected, *read_by]
                found[(SIMILARITY_INDEX, product_id, part)] = _digest(made_of)
    return found


def _image_stamps(session: Session, product_ids: list[int] | None) -> dict[int, dict[str, list[Any]]]:
    """Return count, sum of ids and last change by product and `type/split`, in one query."""
    # SQLModel's select is typed for four columns at most.
    query = sqlalchemy_select(
        col(Image.product_id),
        col(Image.image_type),
        col(Image.split),
        func.count(),
        func.sum(col(Image.id)),
        func.max(col(Image.updated_at)),
    ).group_by(col(Image.product_id), col(Image.image_type), col(Image.split))
    if product_ids is not None:
        query = query.where(col(Image.product_id).in_(product_ids))
    stamps: dict[int, dict[str, list[Any]]] = defaultdict(dict)
    for product_id, image_type, split, count, id_sum, changed_at in session.execute(query).all():
        stamps[product_id][f"{image_type}/{split}"] = [int(count), int(id_sum or 0), changed_at.isoformat()]
    return stamps


def _kept_images(session: Session, product_ids: list[int] | None) -> dict[int, list[int]]:
    """Return the training normals that people kept as really good, by product; a product without any is left out."""
    query = (
        select(Image.product_id, Image.id)
        .where(Image.outlier_state == KEPT, Image.image_type == "normal", Image.split == "train")
        .order_by(col(Image.id))
    )
    if product_ids is not None:
        query = query.where(col(Image.product_id).in_(product_ids))
    kept: dict[int, list[int]] = defaultdict(list)
    for product_id, image_id in session.exec(query).all():
        kept[product_id].append(image_id)
    return kept


def _digest(value: Any) -> str:
    text = json.dumps([BUILD_REVISION, value], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
