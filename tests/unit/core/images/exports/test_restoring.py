"""What an export says of its product comes back to one that is new, and not to one that is pictured already."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.catalog.products import create_product, find_product
from core.catalog.view_edits import add_view
from core.catalog.views import list_views
from core.images.exports.making import start_export
from core.images.exports.records import ExportChoice
from core.images.exports.writing import write_folder
from core.images.imports.folder_import import import_path
from core.images.ingest import ingest_images
from core.images.records import IncomingFile, IngestItem, Label
from core.services import Services
from storage.tables import Product
from tests.exported_products import fresh_services
from tests.plates import encode, plate


def _add_image(services: Services, product: Product, seed: int, view: str = "") -> None:
    data = encode(plate(seed))
    item = IngestItem(IncomingFile(f"{seed}.png", lambda: data), Label("normal", "train"), None, "", "", view=view)
    (outcome,) = ingest_images(services, open_person(services, "engineer"), product, [item])
    assert outcome.outcome == "added"


@pytest.fixture
def exported(database_template: Path, tmp_path: Path) -> Path:
    """Return the folder of a product with one view and one image of it."""
    with fresh_services(database_template) as services:
        person = open_person(services, "engineer")
        product = create_product(services, person, name="Housing", code="housing")
        add_view(services, person, product.id, code="top", name="Top", name_en="", modality="rgb")
        _add_image(services, product, 1, "top")
        write_folder(start_export(services, person, product.id, ExportChoice("folders")), tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("is_pictured", [False, True])
def test_views_come_to_a_product_that_a_killed_import_left_and_to_none_that_has_images(
    database_template: Path, exported: Path, is_pictured: bool
) -> None:
    with fresh_services(database_template) as services:
        person = open_person(services, "engineer")
        product = create_product(services, person, name="Housing", code="housing")
        if is_pictured:
            _add_image(services, product, 2)
        import_path(services, person, exported)
        views = list_views(services, find_product(services, "housing").id)
        assert [view.code for view in views] == ([] if is_pictured else ["top"])
