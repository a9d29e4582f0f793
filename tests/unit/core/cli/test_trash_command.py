"""`trash` as typed in a terminal: listed, put back, emptied."""

from __future__ import annotations

import json

import pytest

from core.__main__ import main
from core.access import Person
from core.images import edits, library
from core.images.trash.listing import count_trash
from core.services import Services
from tests.curated_images import add_image, add_product


@pytest.fixture
def product_id(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a product with three images of which two are deleted; commands work in its data folder."""
    made = add_product(services)
    ids = [add_image(services, made, seed) for seed in range(3)]
    edits.delete_images(services, engineer, ids[:2])
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    return made


@pytest.fixture
def code(services: Services, product_id: int) -> str:
    from core.catalog.products import get_product

    return get_product(services, product_id).code


def _lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


def test_deleted_images_are_listed_and_put_back_by_number(
    services: Services, product_id: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, _err = _lines(capsys, "trash", "list", "--product", code, "--json")
    told = [json.loads(line) for line in lines]
    assert (status, len(told), {line["days_left"] for line in told}) == (0, 2, {30})
    status, lines, _err = _lines(capsys, "trash", "restore", told[0]["id"], "--product", code)
    assert (status, lines) == (0, [told[0]["stored_name"]])
    assert count_trash(services, product_id) == 1
    # It is not there any more.
    status, lines, err = _lines(capsys, "trash", "restore", told[0]["id"], "--product", code)
    assert (status, lines) == (1, [])
    assert str(told[0]["id"]) in err
    assert _lines(capsys, "trash", "restore", "--all", "--product", code)[0] == 0
    assert (count_trash(services, product_id), library.list_images(services, product_id).total) == (0, 3)


def test_putting_back_wants_to_know_what(product_id: int, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _lines_out, err = _lines(capsys, "trash", "restore", "--product", code)
    assert (status, "--all" in err) == (1, True)


def test_the_trash_is_emptied_only_when_it_is_meant(
    services: Services, product_id: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _out, err = _lines(capsys, "trash", "empty", "--product", code)
    assert (status, "2 images" in err) == (1, True)
    assert count_trash(services, product_id) == 2
    status, out, _err = _lines(capsys, "trash", "empty", "--product", code, "--yes", "--json")
    assert (status, json.loads(out[0])) == (0, {"product": code, "deleted": 2})
    assert count_trash(services, product_id) == 0
    assert _lines(capsys, "trash", "empty", "--product", code)[:2] == (0, ["0"])
