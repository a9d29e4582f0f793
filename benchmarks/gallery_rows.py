"""A hundred thousand images as rows, made fast: one product with defect types, parts, views, origins and qualities."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from core.accounts.people import open_person
from core.services import Services
from inference.vision.images.encoding import encode_jpeg
from storage.tables import METADATA, DefectType, Product

TYPES, VIEWS, PICTURES = 6, ("", "top", "side", "CT"), 24
DOMAINS = ("", "studio", "line", "field")
_START = datetime(2024, 1, 1, tzinfo=UTC)
_AT_ONCE = 5000
_SPLITS = (*["train"] * 7, "val", "test", "test")


def fill_gallery(services: Services, *, rows: int, seed: int = 1, defects: float = 0.3) -> dict[str, list[int]]:
    """Add a product with `rows` images, a share of them defects; return its id and those of its types.

    The rows share a few pictures in the object store: the screen can be looked at.
    """
    engineer = open_person(services, "engineer")
    dice = random.Random(seed)
    with services.database.unit_of_work() as session:
        product = Product(code=f"gallery{seed}", name="갤러리", name_en="Gallery")
        session.add(product)
        session.flush()
        types = [
            DefectType(
                product_id=product.id, code=f"type{number}", name_ko=f"불량 {number}", name_en=f"Defect {number}"
            )
            for number in range(TYPES)
        ]
        session.add_all(types)
        session.flush()
        ids = {"products": [product.id], "types": [one.id for one in types]}
        session.commit()
    keys = _put_pictures(services, ids["products"][0], dice)
    made = (_make_row(number, rows, dice, ids, keys, engineer.id, defects) for number in range(rows))
    table = METADATA.tables["images"]
    some: list[dict[str, Any]] = []
    with services.database.unit_of_work() as session:
        for row in made:
            some.append(row)
            if len(some) == _AT_ONCE:
                session.execute(insert(table), some)
                some = []
        if some:
            session.execute(insert(table), some)
        session.commit()
    return ids


def _put_pictures(services: Services, product_id: int, dice: random.Random) -> list[str]:
    import numpy as np

    keys = []
    for number in range(PICTURES):
        random_pixels = np.random.default_rng(dice.randrange(1 << 30)).integers(0, 70, (12, 12, 3), np.uint8)
        pixels = np.kron(random_pixels + 25 * (number % 7), np.ones((16, 16, 1), np.uint8)).astype(np.uint8)
        key = f"images/normal/{product_id}/picture{number}.jpg"
        services.objects.put(key, encode_jpeg(pixels, 80), content_type="image/jpeg")
        keys.append(key)
    return keys


def _make_row(
    number: int,
    rows: int,
    dice: random.Random,
    ids: dict[str, list[int]],
    keys: list[str],
    person_id: int,
    defects: float,
) -> dict[str, Any]:
    is_defect = dice.random() < defects
    kind = dice.randrange(TYPES) if is_defect else None
    name = "normal" if kind is None else f"type{kind}"
    key = keys[number % len(keys)]
    at = _START + timedelta(minutes=10 * number)
    return {
        "product_id": ids["products"][0],
        "image_type": "defect" if is_defect else "normal",
        "defect_type_id": None if kind is None else ids["types"][kind],
        # By part: whatever splits, splits parts.
        "split": _SPLITS[number // 3 % len(_SPLITS)],
        "stored_name": f"gallery{ids['products'][0]}_{name}_{number:06d}.jpg",
        "original_name": f"cam{1 + number % 4}_{number:07d}_{dice.choice(('top', 'side'))}.jpg",
        "object_key": key,
        "thumbnail_key": key,
        "mask_key": f"images/defect/x/{number:032x}_mask.png" if is_defect and dice.random() < 0.5 else None,
        "content_sha256": f"{number:064x}",
        "pixel_sha256": f"{number + rows:064x}",
        "byte_size": 100_000,
        "width_px": 1024,
        "height_px": 768,
        "file_format": "JPEG",
        "notes": [],
        "part": f"P{number // 3:06d}" if number % 2 else "",
        "part_source": "list" if number % 2 else "",
        "view": VIEWS[number % len(VIEWS)],
        "origin": dice.choice(("upload", "import", "api", "inspection", "demo")),
        "domain": DOMAINS[number % 5 % len(DOMAINS)],
        "quality": dice.choices(("", "blurred", "under_exposed", "blurred,over_exposed", None), (90, 3, 3, 1, 3))[0],
        "blur_score": dice.random(),
        "difference_hash": dice.getrandbits(63),
        "outlier_state": dice.choices(("", "suspected", "kept"), (9990, 4, 6))[0] if not is_defect else "",
        "outlier_score": None,
        "outlier_at": None,
        "inspection_id": None,
        "created_at": at,
        "created_by": person_id,
        "updated_at": at,
        "row_version": 1,
    }
