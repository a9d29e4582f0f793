"""Images of a product to try an inspection with."""

from __future__ import annotations

from sqlmodel import col, select

from core.services import Services
from core.transactions import reading
from storage.tables import Image


def pick_sample_images(services: Services, product_id: int, *, n: int = 8) -> list[Image]:
    """Return images to try an inspection with: half defects, half normals, from the test split first."""
    with reading(services) as session:
        found: list[Image] = []
        for image_type, count in (("defect", n - n // 2), ("normal", n // 2)):
            query = (
                select(Image)
                .where(Image.product_id == product_id, Image.image_type == image_type)
                .order_by(col(Image.split), col(Image.id))
            )
            rows = list(session.exec(query.where(Image.split == "test").limit(200)).all())
            rows = rows or list(session.exec(query.limit(200)).all())
            # Spread over the list rather than its head: the head is one defect type.
            step = max(1, len(rows) // count) if count else 1
            found += rows[::step][:count]
        return found
