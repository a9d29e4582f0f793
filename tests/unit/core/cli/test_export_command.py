"""`export` and the `import` of what it wrote, as typed in a terminal."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.images.library import list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services
from storage.tables import Product
from tests.plates import encode, mask, plate


@pytest.fixture
def product(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> Product:
    """Return a product with two normal images and a defect with a mask; commands work in its data folder."""
    made = create_product(services, engineer, name="금속 판", code="plate")
    kind = create_defect_type(services, engineer, product_id=made.id, code="spot", name_ko="반점")
    good = [IncomingFile(f"{n}.png", lambda n=n: encode(plate(n))) for n in range(2)]  # type: ignore[misc]
    list(add_images(services, engineer, product_id=made.id, image_type="normal", files=good))
    bad = [
        IncomingFile("9.png", lambda: encode(plate(9, "spot"))),
        IncomingFile("9_mask.png", lambda: encode(mask(9, "spot"))),
    ]
    options: dict[str, Any] = {"image_type": "defect", "defect_type_id": kind.id, "split": "test"}
    list(add_images(services, engineer, product_id=made.id, **options, files=bad))
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    return made


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_product_is_exported_by_its_name_as_json_says(
    product: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _err = run(capsys, "export", "금속 판", tmp_path / "out", "--format", "yolo", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["product"], told["format"], told["images"], told["masks"]) == ("plate", "yolo", 3, 1)
    assert (told["normal"], told["defect"], told["train"], told["val"], told["test"]) == (2, 1, 2, 0, 1)
    assert (tmp_path / "out" / "data.yaml").is_file()


@pytest.mark.parametrize(("lang", "word"), [("en", "original file names (3)"), ("ko", "원래 파일 이름 (3)")])
def test_what_a_format_has_no_place_for_is_said(
    product: Product,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    lang: str,
    word: str,
) -> None:
    monkeypatch.setenv("GEOMSA_LANGUAGE", lang)
    _status, out, err = run(capsys, "export", "plate", tmp_path / "out", "--format", "voc", "--json")
    assert json.loads(out)["only_in_manifest"] == {"original_names": 3, "type_names": 0}
    assert word in err
    assert "geomsa-export.json" in err


def test_a_zip_gets_its_ending_and_only_the_split_that_was_asked_for(
    product: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _err = run(capsys, "export", "plate", tmp_path / "out", "--zip", "--split", "test")
    assert (status, out.startswith(f"{tmp_path / 'out.zip'}: images 1, masks 1,")) == (0, True)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "plate/test/spot/plate_spot_001.png" in archive.namelist()


def test_what_was_exported_is_imported_for_another_product(
    product: Product, services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "export", "plate", tmp_path / "out", "--format", "coco")[0] == 0
    create_product(services, services_person(services), name="Copy", code="copy")
    status, _out, err = run(capsys, "import", tmp_path / "out", "--product", "copy", "--no-check")
    assert (status, err.count("refused")) == (0, 0), err
    copy = next(row for row in [find(services, "copy")])
    images = list_images(services, copy.id).rows
    assert sorted((image.image_type, image.split, image.original_name) for image in images) == [
        ("defect", "test", "9.png"),
        ("normal", "train", "0.png"),
        ("normal", "train", "1.png"),
    ]


def test_an_image_that_cannot_leave_is_named_and_the_status_says_so(
    product: Product, services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = list_images(services, product.id).rows[0]
    services.objects.delete(image.object_key)
    status, out, err = run(capsys, "export", "plate", tmp_path / "out", "--json")
    assert status == 1
    assert json.loads(out)["left_out"] == [{"name": image.stored_name, "reason": "export_object_missing"}]
    assert image.stored_name in err


def test_a_folder_that_is_there_and_a_product_that_is_not_are_refused(
    product: Product, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    status, out, err = run(capsys, "export", "plate", tmp_path / "out")
    assert (status, out, "mine" in err or "out" in err) == (1, "", True)
    status, _out, err = run(capsys, "export", "bolt", tmp_path / "new")
    assert (status, "bolt" in err, (tmp_path / "new").exists()) == (1, True, False)


def services_person(services: Services) -> Person:
    from core.accounts.people import open_person

    return open_person(services, "engineer")


def find(services: Services, code: str) -> Product:
    from core.catalog.products import find_product

    return find_product(services, code)
