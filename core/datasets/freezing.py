"""Freezing a product's images as a dataset version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from core.access import ENGINEER, Person, require_role
from core.audit import record
from core.catalog.outcomes import GOOD as GOOD_KIND
from core.catalog.products import get_product_row
from core.datasets.near_copies import count_near_copies
from core.datasets.reading import read_head
from core.datasets.records import GOOD, DatasetHead, FrozenImage, SplitRule
from core.datasets.reporting import make_report
from core.datasets.splitting import SplitItem, assign_splits
from core.errors import BadInput, from_lower
from core.files.file_names import strip_control
from core.images.parts import part_key
from core.images.placement.current import get_mask
from core.preprocessing.stored_options import all_values, read_preprocessing, simplify
from core.services import Services
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from inference.vision.images.preprocessing import Preprocessing
from storage.object_store import ObjectStoreError
from storage.tables import DatasetVersion, DatasetVersionImage, DefectType, Image

LONGEST_NAME = 120
_AT_ONCE = 500


def create_dataset(
    services: Services, person: Person, product_id: int, *, name: str = "", rule: SplitRule | None = None
) -> DatasetHead:
    """Freeze the product's images with labels, parts, views, domains and masks, split by the rule; return the version.

    Where nothing has changed since a version of the same images, labels and splits was made, that one is returned.
    Raises NotAllowed, NotFound, BadInput dataset_without_images and dataset_domain_without_images, and AppError of the
    store.
    """
    require_role(services, person, ENGINEER)
    rule = SplitRule() if rule is None else rule
    name = " ".join(strip_control(name).split())[:LONGEST_NAME]
    rows, types = _read_rows(services, product_id)
    if not rows:
        raise BadInput("dataset_without_images")
    if rule.domains:
        rows = [row for row in rows if row.domain in rule.domains]
        if not rows:
            raise BadInput("dataset_domain_without_images")
    masks = _hash_masks(services, rows)
    labels = [_label_of(row, types) for row in rows]
    assigned = assign_splits(
        [
            SplitItem(part_key(row), row.pixel_sha256, row.view, label, row.split, row.domain)
            for row, label in zip(rows, labels, strict=True)
        ],
        rule,
    )
    images = [
        FrozenImage(
            row.id,
            row.content_sha256,
            row.image_type,
            label,
            part_key(row),
            row.view,
            split,
            masks.get(row.id, ""),
            row.domain,
        )
        for row, label, split in zip(rows, labels, assigned.splits, strict=True)
    ]
    report = make_report(
        images,
        pixel_hashes=[row.pixel_sha256 for row in rows],
        leaking_parts=assigned.leaking_parts,
        has_kinds=any(one.outcome == GOOD_KIND and one.is_active for one in types.values()),
        suspected=sum(1 for row in rows if row.outlier_state == "suspected"),
        sizes=[(row.width_px, row.height_px) for row in rows],
        near_copies=count_near_copies(services, rows, assigned.splits),
        least_images=rule.least_images,
    )
    preprocessing = list_preprocessing(services, product_id, {row.view for row in rows})
    content_hash = hash_images(images, preprocessing)
    with writing(services) as session:
        get_product_row(session, product_id, lock=True)
        same = session.exec(
            select(DatasetVersion.id).where(
                DatasetVersion.product_id == product_id, DatasetVersion.content_hash == content_hash
            )
        ).first()
        if same is None:
            last = session.exec(
                select(func.max(DatasetVersion.number)).where(DatasetVersion.product_id == product_id)
            ).one()
            version = DatasetVersion(
                product_id=product_id,
                number=(last or 0) + 1,
                name=name,
                content_hash=content_hash,
                seed=rule.seed,
                configuration={**rule.to_json(), "preprocessing": preprocessing},
                report=report.to_json(),
                created_by=person.id,
            )
            session.add(version)
            session.flush()
            same = version.id
            _add_images(session, version.id, images)
            record(
                session, person, "dataset.created", "dataset", version.id,
                product_id=product_id, number=version.number, images=len(images),
            )  # fmt: skip
            session.commit()
    return read_head(services, same)


def hash_images(images: Sequence[FrozenImage], preprocessing: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return the SHA-256 of images with labels, parts, views, splits, masks and domains, whatever their order.

    `preprocessing` is how they are read, by view. What is at its default adds nothing: images without a domain that are
    read as they are have the hash that they had before there were either.
    """
    lines = sorted(
        json.dumps(
            [
                one.content_sha256, one.image_type, one.label, one.part, one.view, one.split, one.mask_sha256,
                *([one.domain] if one.domain else []),
            ],
            ensure_ascii=False,
        )
        for one in images
    )  # fmt: skip
    standard = all_values(Preprocessing())
    for view, options in sorted((preprocessing or {}).items()):
        changed = {name: value for name, value in {**standard, **options}.items() if value != standard.get(name)}
        if changed:
            lines.append(json.dumps(["preprocessing", view, changed], ensure_ascii=False, sort_keys=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def list_preprocessing(services: HasDatabase, product_id: int, views: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return how images of these views are read now: all options as JSON, by view.

    Raises BadInput for options that this version of the program does not know.
    """
    try:
        with reading(services) as session:
            chains = {view: read_preprocessing(session, product_id, view) for view in sorted(set(views))}
    except InferenceError as error:
        raise from_lower(error) from error
    return {view: json.loads(json.dumps(all_values(simplify(chain)))) for view, chain in chains.items()}


def has_preprocessing_changed(services: HasDatabase, head: DatasetHead) -> bool:
    """Return whether the product's images are read otherwise now than when a version was frozen.

    False for versions of before, of which nobody noted it.
    """
    if not head.preprocessing:
        return False
    return list_preprocessing(services, head.product_id, head.preprocessing) != dict(head.preprocessing)


def _read_rows(services: HasDatabase, product_id: int) -> tuple[list[Image], dict[int, DefectType]]:
    with reading(services) as session:
        get_product_row(session, product_id)
        rows = session.exec(select(Image).where(Image.product_id == product_id).order_by(col(Image.id))).all()
        types = session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
    return list(rows), {one.id: one for one in types}


def _label_of(row: Image, types: Mapping[int, DefectType]) -> str:
    found = types.get(row.defect_type_id or 0)
    return GOOD if found is None else found.code


def _hash_masks(services: Services, rows: Sequence[Image]) -> dict[int, str]:
    found: dict[int, str] = {}
    for row in rows:
        try:
            data = get_mask(services, row)
        except ObjectStoreError as error:
            raise from_lower(error, name=row.stored_name) from error
        if data is not None:
            found[row.id] = hashlib.sha256(data).hexdigest()
    return found


def _add_images(session: Session, version_id: int, images: Sequence[FrozenImage]) -> None:
    for start in range(0, len(images), _AT_ONCE):
        session.execute(
            insert(DatasetVersionImage),
            [
                {
                    "dataset_version_id": version_id,
                    "image_id": one.image_id,
                    "content_sha256": one.content_sha256,
                    "image_type": one.image_type,
                    "label": one.label,
                    "part": one.part,
                    "view": one.view,
                    "split": one.split,
                    "mask_sha256": one.mask_sha256,
                    "domain": one.domain,
                }
                for one in images[start : start + _AT_ONCE]
            ],
        )
