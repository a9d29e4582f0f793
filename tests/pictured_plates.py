"""The product "plate" pictured in two views: the same pieces, seen from above as they are, and from below mirrored."""

from __future__ import annotations

from sqlmodel import col, select

from core.access import Person
from core.catalog.view_edits import add_view
from core.catalog.views import View
from core.services import Services
from storage.tables import Image, utc_now

TOP, BOTTOM = "top", "bottom"


def add_two_views(services: Services, person: Person, product_id: int) -> tuple[View, View]:
    """Give the product its two views, and every other image of each kind and split to the second one."""
    views = (
        add_view(services, person, product_id, code=TOP, name="윗면", name_en="Top"),
        add_view(services, person, product_id, code=BOTTOM, name="아랫면", name_en="Bottom"),
    )
    with services.database.unit_of_work() as session:
        counts: dict[tuple[str, int | None, str], int] = {}
        for row in session.exec(select(Image).where(Image.product_id == product_id).order_by(col(Image.id))).all():
            kind = (row.image_type, row.defect_type_id, row.split)
            row.view = (TOP, BOTTOM)[counts.get(kind, 0) % 2]
            row.updated_at = utc_now()
            counts[kind] = counts.get(kind, 0) + 1
            session.add(row)
        session.commit()
    return views
