"""Products to export and to import again: what is known of one as plain values, to be compared with another."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import select

from core.catalog.defect_types import list_defect_types
from core.catalog.products import find_product
from core.catalog.views import list_views
from core.images.annotations.run_codes import pack_counts
from core.images.library import read_mask_png
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading
from inference.vision.images.decode import decode_mask
from storage.tables import Image, ImageBox
from tests.databases import data_settings, drop_databases, place_database


@contextlib.contextmanager
def fresh_services(database_template: Path) -> Iterator[Services]:
    """Yield services on an empty data folder of their own."""
    folder = Path(tempfile.mkdtemp(prefix="geomsa-test-"))
    settings = read_settings({**data_settings(folder / "data"), "GEOMSA_DEVICE": "cpu"})
    place_database(database_template, settings.data_dir)
    services = build_services(settings)
    try:
        yield services
    finally:
        services.database.dispose()
        drop_databases(folder)
        shutil.rmtree(folder)


def describe(services: Services, code: str, *, regions: bool = True) -> dict[str, Any]:
    """Return everything about a product that an export keeps; without ids, keys and stored names."""
    product = find_product(services, code)
    types = list_defect_types(services, product.id, include_inactive=True)
    codes: dict[int | None, str] = {kind.id: kind.code for kind in types}
    with reading(services) as session:
        images = session.exec(select(Image).where(Image.product_id == product.id)).all()
        boxes = session.exec(select(ImageBox).order_by(ImageBox.id)).all()  # type: ignore[arg-type]
    found: dict[str, Any] = {
        "product": (product.code, product.name, product.name_en, product.description, product.notice),
        "types": [
            (kind.code, kind.name_ko, kind.name_en, kind.severity, kind.description, kind.outcome, kind.is_active)
            for kind in types
        ],
    }
    found["views"] = [
        (view.code, view.name, view.name_en, view.modality, view.is_required, view.found_as, view.is_active)
        for view in list_views(services, product.id, include_inactive=True)
    ]
    for image in images:
        mask = read_mask_png(services, image)
        found[image.content_sha256] = {
            "label": (image.image_type, codes.get(image.defect_type_id), image.split),
            "part": (image.part, image.part_source, image.view, image.domain),
            "name": image.original_name,
            "mask": None if mask is None else np.packbits(decode_mask(mask)).tobytes().hex(),
            "regions": [_region(box, image, codes) for box in boxes if box.image_id == image.id] if regions else None,
        }
    return found


def _region(box: ImageBox, image: Image, codes: dict[int | None, str]) -> tuple[Any, ...]:
    outline = pack_counts(box.outline["counts"]) if box.shape == "mask" else box.outline
    kind = codes[box.defect_type_id or image.defect_type_id]
    return (box.shape, kind, box.origin, box.x, box.y, box.width, box.height, outline)
