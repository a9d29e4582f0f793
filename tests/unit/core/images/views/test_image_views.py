"""Images and the views of their product: by names that files and folders give, by a person, and none yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product, find_product
from core.catalog.view_edits import add_view
from core.catalog.views import list_views
from core.errors import BadInput
from core.images.edits import relabel_images
from core.images.gallery.filters import NONE_NAMED, GalleryFilter
from core.images.gallery.search import Asked, count_images
from core.images.imports.folder_import import import_path
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.images.views.missing import count_without_view
from core.images.views.naming import ViewNames, make_views
from core.services import Services
from storage.tables import Image
from tests.plates import encode, plate, write


@pytest.fixture
def engineer(services: Services) -> Person:
    return open_person(services, "engineer")


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return create_product(services, engineer, name="셀", code="cell").id


def _upload(services: Services, person: Person, product_id: int, seed: int, view: str = "") -> int:
    data = encode(plate(seed))
    (outcome,) = add_images(
        services,
        person,
        product_id=product_id,
        image_type="normal",
        view=view,
        files=[IncomingFile(f"{seed}.png", lambda: data)],
    )
    assert outcome.image_id is not None
    return outcome.image_id


def _view_of(services: Services, image_id: int) -> str:
    with services.database.reading() as session:
        return session.exec(select(Image.view).where(Image.id == image_id)).one()


def test_names_mean_a_view_by_its_code_and_either_of_its_names(
    services: Services, engineer: Person, product_id: int
) -> None:
    add_view(services, engineer, product_id, code="ct", name="단면", name_en="Slice")
    names = ViewNames.of(services, product_id)
    assert [names.find(name) for name in ("CT", " 단면", "slice", "rgb")] == ["ct", "ct", "ct", None]
    assert names.code_of("C7") == "C7"


def test_an_import_that_names_views_makes_them(services: Services, engineer: Person, tmp_path: Path) -> None:
    for place, view in enumerate(("cam1", "cam2")):
        for number in range(2):
            write(tmp_path / "lid" / "train" / "good" / view / f"{number}.png", plate(10 * place + number))
    import_path(services, engineer, tmp_path / "lid")
    product = find_product(services, "lid")
    views = list_views(services, product.id)
    assert [view.code for view in views] == ["cam1", "cam2"]
    assert {view.modality for view in views} == {"rgb"}
    with services.database.reading() as session:
        assert sorted(session.exec(select(Image.view)).all()) == ["cam1", "cam1", "cam2", "cam2"]


def test_a_single_name_makes_no_view_and_a_name_without_letters_gets_a_code(
    services: Services, engineer: Person, product_id: int
) -> None:
    assert make_views(services, engineer, product_id, ["top", "top", ""]) == ()
    made = make_views(services, engineer, product_id, ["윗면", "아랫면", "Side"])
    assert [(view.code, view.name) for view in made] == [("view-1", "윗면"), ("view-2", "아랫면"), ("side", "Side")]
    assert make_views(services, engineer, product_id, ["아랫면", "SIDE"]) == ()


def test_images_without_a_view_are_counted_found_and_given_one(
    services: Services, engineer: Person, product_id: int
) -> None:
    first = _upload(services, engineer, product_id, 1)
    assert count_without_view(services, product_id) == {}
    add_view(services, engineer, product_id, code="top", name="윗면")
    second = _upload(services, engineer, product_id, 2, view="윗면")
    assert _view_of(services, second) == "top"
    assert count_without_view(services, product_id) == {"normal": 1}
    asked = Asked(product_id, "normal", GalleryFilter(view=NONE_NAMED))
    assert count_images(services, asked).total == 1
    assert relabel_images(services, engineer, [first], view="TOP") == 1
    assert _view_of(services, first) == "top"
    assert count_without_view(services, product_id) == {}


def test_a_view_that_the_product_does_not_have_is_refused(
    services: Services, engineer: Person, product_id: int
) -> None:
    image_id = _upload(services, engineer, product_id, 1, view="anything")
    assert _view_of(services, image_id) == "anything"  # of a product without views a name is a name
    add_view(services, engineer, product_id, code="top")
    with pytest.raises(BadInput) as caught:
        relabel_images(services, engineer, [image_id], view="side")
    assert caught.value.code == "image_view_unknown"
    with pytest.raises(BadInput):
        _upload(services, engineer, product_id, 2, view="side")
