"""The migration that gives the demo's products two names and manuals without a title that of their file."""

from __future__ import annotations

from pathlib import Path

from alembic import command

from storage import schema
from storage.database import Database
from storage.tables import Manual, Product, SystemConfig


def test_only_what_the_demo_named_and_nobody_renamed_is_divided(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'geomsa.db'}")
    database.migrate()
    names = {"carpet": "카펫 타일 (Carpet tile)", "grid": "우리 그리드", "casting": "주조A형 (Casting type A)"}
    with database.unit_of_work() as session:
        products = {code: Product(code=code, name=name) for code, name in names.items()}
        session.add_all(products.values())
        session.flush()
        # The casting was registered by a person, who happened to choose the demo's name.
        for code in ("carpet", "grid"):
            session.add(SystemConfig(key=f"demo.{code}", value={"product_id": products[code].id, "complete": True}))
        for title in ("Untitled", "QM-031"):
            session.add(
                Manual(
                    product_id=products["grid"].id,
                    title=title,
                    original_name="절차서.v2.pdf",
                    object_key=title,
                    byte_size=1,
                    content_sha256=title,
                )
            )
        session.commit()
        ids = {code: product.id for code, product in products.items()}
    # Written by the tables of now, then taken back to those of before: later columns do not concern the migration.
    with database.unit_of_work() as session:
        command.downgrade(schema.alembic_config(session.connection()), "0021")
        session.commit()
    database.migrate()
    with database.reading() as session:
        found = {code: session.get(Product, number) for code, number in ids.items()}
        assert {code: (row.name, row.name_en) for code, row in found.items() if row is not None} == {
            "carpet": ("카펫 타일", "Carpet tile"),
            "grid": ("우리 그리드", ""),
            "casting": ("주조A형 (Casting type A)", ""),
        }
        assert [session.get_one(Manual, number).title for number in (1, 2)] == ["절차서.v2", "QM-031"]
    database.dispose()
