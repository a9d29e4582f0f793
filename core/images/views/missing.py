"""Images of a product with views that have none yet: no model learns from them."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from core.catalog.views import read_views
from core.transactions import HasDatabase, reading
from storage.tables import Image


def count_without_view(services: HasDatabase, product_id: int) -> dict[str, int]:
    """Return how many images of a product with views have none of them, by image type; none of a type: no key."""
    with reading(services) as session:
        codes = [view.code for view in read_views(session, product_id)]
        if not codes:
            return {}
        rows = session.exec(
            select(Image.image_type, func.count())
            .where(Image.product_id == product_id, col(Image.view).not_in(codes))
            .group_by(col(Image.image_type))
        ).all()
    return {image_type: int(count) for image_type, count in rows}


def is_without_view(session: Session, product_id: int) -> ColumnElement[bool]:
    """Return the condition that an image has no view: none of the product's, or no name where the product has none."""
    codes = [view.code for view in read_views(session, product_id)]
    return col(Image.view).not_in(codes) if codes else col(Image.view) == ""
