"""What lies in the object store of a test: without the identity that every start keeps there, many at once, aged."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.identity import AUDIT, KEY, OBJECT_KEY
from core.services import Services
from storage.tables import Image, Product, SystemConfig


def stored_keys(services: Services, prefix: str = "") -> list[str]:
    """Return the keys in their order, without what the installation keeps of itself: its identity, and its anchors."""
    return [info.key for info in services.objects.list(prefix) if not info.key.startswith((OBJECT_KEY, AUDIT))]


def objects_folder(services: Services) -> Path:
    """Return where a local store keeps its files."""
    return services.settings.data_dir / "objects"


def add_stored_images(services: Services, count: int, *, first: int = 0, code: str = "plate") -> list[str]:
    """Add so many images, a file and a thumbnail each, straight into both stores; returns the keys of the files."""
    with services.database.unit_of_work() as session:
        product = Product(code=f"{code}-{first}", name="Plate")
        session.add(product)
        session.flush()
        rows = [_image(product.id, code, number) for number in range(first, first + count)]
        session.add_all(rows)
        session.commit()
        keys = [(row.object_key, row.thumbnail_key) for row in rows]
    for pair in keys:
        for key in pair:
            path = objects_folder(services) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return [key for key, _thumbnail in keys]


def put_lost(services: Services, count: int, *, folder: str = "images/normal/9") -> list[str]:
    """Put so many objects that no row names; returns their keys."""
    keys = [f"{folder}/lost-{number:04d}.png" for number in range(count)]
    for key in keys:
        path = objects_folder(services) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"lost")
    return keys


def age(services: Services, *, days: float = 2.0, began_days: float | None = None) -> None:
    """Make every object so old, and the database a day older than that (or `began_days` old)."""
    at = time.time() - days * 86400
    for path in objects_folder(services).rglob("*"):
        if path.is_file() and path.name != OBJECT_KEY:
            os.utime(path, (at, at))
    began = datetime.now(UTC) - timedelta(days=days + 1 if began_days is None else began_days)
    with services.database.unit_of_work() as session:
        row = session.get(SystemConfig, KEY)
        if row is not None:
            row.value = {**row.value, "began_at": began.isoformat()}
            session.commit()


def _image(product_id: int, code: str, number: int) -> Image:
    return Image(
        product_id=product_id,
        image_type="normal",
        stored_name=f"{code}_normal_{number:05d}.png",
        original_name=f"{number}.png",
        object_key=f"images/normal/{product_id}/{number:05d}.png",
        thumbnail_key=f"thumbnails/{product_id}/{number:05d}.jpg",
        content_sha256=f"{number:064d}",
        pixel_sha256=f"{number:064d}",
        byte_size=1,
        width_px=8,
        height_px=8,
        file_format="PNG",
    )
