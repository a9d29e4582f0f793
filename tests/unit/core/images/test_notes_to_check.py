"""What looks wrong about an image or a mask that was taken in is told on the line of its file."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.__main__ import main
from core.access import Person
from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.images.imports.folder_import import import_path
from core.images.masks import set_mask
from core.images.notes import describe_note
from core.images.records import FileOutcome, IncomingFile
from core.images.uploads import add_images
from core.preprocessing.stored_options import parse_options, save_preprocessing
from core.services import Services
from tests.plates import encode, plate, write


def _write_part(folder: Path, mask: np.ndarray) -> None:
    for number in range(2):
        write(folder / "part" / "train" / "good" / f"{number}.png", plate(number))
    write(folder / "part" / "test" / "dent" / "0.png", plate(9, "spot"))
    write(folder / "part" / "ground_truth" / "dent" / "0_mask.png", mask)


def _mask(share: float) -> np.ndarray:
    values = np.zeros((112, 112), np.uint8)
    values[: round(112 * share)] = 255
    return values


@pytest.mark.parametrize(("share", "is_told"), [(0.05, False), (0.5, False), (0.94, True), (1.0, True)])
def test_a_mask_that_covers_most_of_the_image_is_taken_in_with_a_question(
    services: Services, tmp_path: Path, share: float, is_told: bool
) -> None:
    _write_part(tmp_path, _mask(share))
    summary = import_path(services, open_person(services, "engineer"), tmp_path / "part")
    (found,) = [outcome for outcome in summary.outcomes if "mask" in outcome.notes]
    assert found.outcome == "added"
    assert found.mask_share == pytest.approx(share, abs=0.01)
    assert ("mask_inverted" in found.notes) == is_told
    if is_told:
        said = describe_note("mask_inverted", "en", mask_share=found.mask_share)
        assert said == f"The mask covers {share * 100:.0f} % of the image: inverted?"


def test_a_mask_that_comes_later_is_questioned_alike(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Part", code="part")
    dent = create_defect_type(services, engineer, product_id=product.id, code="dent", name_ko="찍힘")
    image = IncomingFile("a.png", lambda: encode(plate(9, "spot")))
    mask = IncomingFile("a_mask.png", lambda: encode(_mask(0.94)))

    def add(file: IncomingFile) -> FileOutcome:
        (outcome,) = add_images(
            services, engineer, product_id=product.id, image_type="defect", defect_type_id=dent.id, files=[file]
        )
        return outcome

    added = add(image)
    assert "mask_inverted" in add(mask).notes
    assert added.image_id is not None
    assert set_mask(services, engineer, added.image_id, mask).share == pytest.approx(0.94, abs=0.01)
    assert set_mask(services, engineer, added.image_id, None).share is None


def test_the_command_line_tells_it_in_words_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_part(tmp_path, _mask(0.94))
    for number in range(5):
        done, packed = cv2.imencode(".png", plate(40 + number).astype(np.uint16) * 16)
        assert done
        (tmp_path / "part" / "train" / "good" / f"dark{number}.png").write_bytes(packed.tobytes())
    for name, value in (("DATA_DIR", str(tmp_path / "data")), ("LANGUAGE", "en"), ("DEVICE", "cpu")):
        monkeypatch.setenv(f"GEOMSA_{name}", value)
    assert main(["import", str(tmp_path / "part"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"] == {"low_range": 5, "mask_inverted": 1}
    assert "0_mask.png: The mask covers 94 % of the image: inverted?" in err
    assert "dark2.png …: 5: The 16-bit image uses at most 12 of its bits" in err
    assert "Set the bit depth to 12 on Preprocessing" in err


def test_dark_images_that_differ_in_their_low_bits_only_are_not_the_same_image(
    services: Services, engineer: Person
) -> None:
    product = create_product(services, engineer, name="Part", code="part")
    ramp = np.tile(np.arange(112, dtype=np.uint16), (112, 1))

    def add(values: np.ndarray, ending: str) -> str:
        data = bytes(cv2.imencode(ending, values)[1].tobytes())
        file = IncomingFile(f"a{ending}", lambda: data)
        (outcome,) = add_images(services, engineer, product_id=product.id, image_type="normal", files=[file])
        return outcome.outcome

    assert [add(ramp, ".png"), add(ramp[:, ::-1], ".png"), add(ramp, ".tif")] == ["added", "added", "duplicate"]
    options = parse_options({"bit_depth": 8})
    save_preprocessing(services, engineer, product.id, row_version=0, options=options)
    assert add(ramp[:, ::-1], ".tif") == "duplicate"
