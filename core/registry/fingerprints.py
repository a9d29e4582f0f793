"""What a memory bank or a similarity index would be built from now, as a hash: another one means out of date."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sqlalchemy_select
from sqlmodel import Session, col, select

from core.catalog.views import View, find_view, read_views_of
from core.images.bit_depth import read_bit_depth
from core.images.outliers import KEPT
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import DETECTION, SIMILARITY
from core.registry.choices import choose_among, chosen
from core.registry.index_examples import confirmation_stamps, view_confirmation_stamps
from core.registry.versions import IMAGES_OF, PARTS, place_of
from inference.vision.images.bit_depth import BY_IMAGE
from storage.tables import Image, ImagePreprocessing, ModelVersion

# Part of every fingerprint: raise it when a change of our own code makes older builds out of date.
BUILD_REVISION = 2


# A product, and the code of its view: an empty one for a product without views.
Pictured = tuple[int, str]


def fingerprints(session: Session, product_ids: list[int] | None = None) -> dict[tuple[str, int, str], str]:
    """Return what a build of (kind, product, place) would be made from now, as a hash: images, preprocessing, model.

    The place is the part, of a view with its code (`versions.place_of`). Images are stamped by count, ids and last
    change, so it costs one grouped query, one more for products with views, and not a look at each image.
    """
    detection, similarity = chosen(session, DETECTION), chosen(session, SIMILARITY)
    views = read_views_of(session, product_ids)
    preprocessing = {(row.product_id, row.view): row.options for row in session.exec(select(ImagePreprocessing)).all()}
    banks = set(
        session.exec(
            select(ModelVersion.product_id, ModelVersion.view).where(
                ModelVersion.kind == MEMORY_BANK, col(ModelVersion.active_key).is_not(None)
            )
        ).all()
    )
    confirmed: dict[Pictured, list[int | str]] = {
        (product_id, ""): stamp for product_id, stamp in confirmation_stamps(session, product_ids).items()
    }
    stamped = {(product_id, ""): stamps for product_id, stamps in _image_stamps(session, product_ids).items()}
    if views:
        stamped = {pictured: stamps for pictured, stamps in stamped.items() if pictured[0] not in views}
        stamped |= _view_stamps(session, views)
        confirmed |= view_confirmation_stamps(session, list(views))
    kept = _kept_images(session, product_ids, views)
    found: dict[tuple[str, int, str], str] = {}
    for pictured, stamps in stamped.items():
        product_id, code = pictured
        options = preprocessing.get(pictured, preprocessing.get((product_id, ""), {}))
        own = choose_among(detection, find_view(views.get(product_id, ()), code))
        training = [stamps.get("normal/train"), stamps.get("defect/train")]
        bank: list[Any] = [own.option.name, own.options, options, training]
        if pictured in kept:
            # A build that set one of them apart did not learn from it; the next one does.
            bank.append({"kept": kept[pictured]})
        found[(MEMORY_BANK, product_id, place_of("", code))] = _digest(bank)
        for part in PARTS[SIMILARITY_INDEX]:
            stamp = stamps.get(f"{IMAGES_OF[part]}/train")
            # What people confirmed counts at the next deployment.
            inspected = [confirmed[pictured]] if IMAGES_OF[part] == "defect" and pictured in confirmed else []
            if stamp or inspected:
                # Without a memory bank nothing says where the defects are: its first one changes that.
                seen = [pictured in banks] if part == "region" else []
                depth = read_bit_depth(options)
                read_by = [] if depth == BY_IMAGE else [f"{depth} bits"]
                made_of = [similarity.option.name, part, stamp, *seen, *inspected, *read_by]
                found[(SIMILARITY_INDEX, product_id, place_of(part, code))] = _digest(made_of)
    return found


def _view_stamps(session: Session, views: Mapping[int, Sequence[View]]) -> dict[Pictured, dict[str, list[Any]]]:
    """Return the same for every view in use of these products that has images."""
    columns = (col(Image.product_id), col(Image.view), col(Image.image_type), col(Image.split))
    query = (
        sqlalchemy_select(*columns, func.count(), func.sum(col(Image.id)), func.max(col(Image.updated_at)))
        .where(col(Image.product_id).in_(list(views)), col(Image.view) != "")
        .group_by(*columns)
    )
    in_use = {(product_id, view.code) for product_id, own in views.items() for view in own}
    stamps: dict[Pictured, dict[str, list[Any]]] = defaultdict(dict)
    for product_id, code, image_type, split, count, id_sum, changed_at in session.execute(query).all():
        if (product_id, code) in in_use:
            stamp = [int(count), int(id_sum or 0), changed_at.isoformat()]
            stamps[product_id, code][f"{image_type}/{split}"] = stamp
    return stamps


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


def _kept_images(
    session: Session, product_ids: list[int] | None, views: Mapping[int, Sequence[View]]
) -> dict[Pictured, list[int]]:
    """Return the training normals that people kept as really good, by product and view; one without any is left out."""
    query = (
        select(Image.product_id, Image.view, Image.id)
        .where(Image.outlier_state == KEPT, Image.image_type == "normal", Image.split == "train")
        .with_hint(Image, "INDEXED BY ix_images_gallery", "sqlite")  # answered from it alone
        .order_by(col(Image.id))
    )
    if product_ids is not None:
        query = query.where(col(Image.product_id).in_(product_ids))
    kept: dict[Pictured, list[int]] = defaultdict(list)
    for product_id, code, image_id in session.exec(query).all():
        kept[product_id, code if product_id in views else ""].append(image_id)
    return kept


def _digest(value: Any) -> str:
    text = json.dumps([BUILD_REVISION, value], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
