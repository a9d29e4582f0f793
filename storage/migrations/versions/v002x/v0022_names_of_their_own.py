"""The demo's products have two names, each in a field of its own; manuals without a title are called as their file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# As the demo named them: "{Korean} ({English})" in the one field there was.
NAMES: dict[str, tuple[str, str]] = {
    "solar-mono": ("단결정 태양전지 셀", "Monocrystalline solar cell"),
    "solar-poly": ("다결정 태양전지 셀", "Polycrystalline solar cell"),
    "casting": ("주조A형", "Casting type A"),
    "leather": ("가죽 원단", "Leather panel"),
    "grid": ("금속 그리드", "Wire grid"),
    "carpet": ("카펫 타일", "Carpet tile"),
}
PRODUCTS = sa.table(
    "products",
    sa.column("id", sa.BigInteger),
    sa.column("code", sa.String),
    sa.column("name", sa.String),
    sa.column("name_en", sa.String),
)
UNTITLED = ("untitled", "untitled document", "document", "document1", "무제", "제목 없음", "문서1")
MANUALS = sa.table(
    "manuals", sa.column("id", sa.BigInteger), sa.column("title", sa.String), sa.column("original_name", sa.String)
)
CONFIG = sa.table("system_config", sa.column("key", sa.String), sa.column("value", sa.JSON))


def upgrade() -> None:
    # Only what the demo made and nobody has renamed since: its markers say which products these are.
    for product_id, korean, english in _demo_products():
        op.execute(
            PRODUCTS.update()
            .where(PRODUCTS.c.id == product_id, PRODUCTS.c.name == f"{korean} ({english})", PRODUCTS.c.name_en == "")
            .values(name=korean, name_en=english)
        )
    found = op.get_bind().execute(sa.select(MANUALS).where(sa.func.lower(MANUALS.c.title).in_(UNTITLED))).all()
    for manual_id, _title, original_name in found:
        stem = original_name.rsplit(".", 1)[0] or original_name
        op.execute(MANUALS.update().where(MANUALS.c.id == manual_id).values(title=stem))


def downgrade() -> None:
    for product_id, korean, english in _demo_products():
        op.execute(
            PRODUCTS.update()
            .where(PRODUCTS.c.id == product_id, PRODUCTS.c.name == korean, PRODUCTS.c.name_en == english)
            .values(name=f"{korean} ({english})", name_en="")
        )


def _demo_products() -> list[tuple[int, str, str]]:
    markers = op.get_bind().execute(sa.select(CONFIG).where(CONFIG.c.key.in_([f"demo.{code}" for code in NAMES])))
    found = []
    for key, value in markers:
        product_id = value.get("product_id") if isinstance(value, dict) else None
        if isinstance(product_id, int):
            found.append((product_id, *NAMES[key.removeprefix("demo.")]))
    return found
