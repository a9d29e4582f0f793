"""What EfficientAD needs beside good images: taken in by path, proved, and never fetched."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.accounts.people import command_line_person
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady
from core.methods import efficient_ad_files
from core.methods.efficient_ad_files import IMAGES, TEACHER, add_file, list_files, read_outside_images
from core.methods.registry import find_method
from core.services import Services
from inference.vision.images.encoding import encode_png
from inference.vision.learning.anomalib_models import teacher


@pytest.fixture
def here(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(efficient_ad_files, "FEWEST_IMAGES", 3)
    return replace(services, settings=replace(services.settings, weights_dir=tmp_path / "weights"))


def add(services: Services, name: str, path: Path) -> Path:
    return add_file(services, command_line_person(services), name=name, path=path)


def refusal(services: Services, name: str, path: Path) -> AppError:
    with pytest.raises(AppError) as caught:
        add(services, name, path)
    assert not list(services.settings.weights_dir.glob(".new-*"))
    return caught.value


def make_teacher(path: Path, changed: dict[str, np.ndarray] | None = None, *, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in teacher.SHAPES.items()}
    save_file(tensors | (changed or {}), path)
    return path


def make_archive(path: Path, state: dict[str, np.ndarray]) -> Path:
    import torch

    content = io.BytesIO()
    torch.save({name: torch.from_numpy(values) for name, values in state.items()}, content)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("efficientad_pretrained_weights/pretrained_teacher_small.pth", content.getvalue())
        archive.writestr("efficientad_pretrained_weights/pretrained_teacher_medium.pth", b"another")
    return path


def make_pictures(folder: Path, count: int, *, first: int = 0) -> Path:
    (folder / "dogs").mkdir(parents=True)
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        (folder / "dogs" / f"{number}.png").write_bytes(encode_png(rng.integers(0, 255, (40, 60, 3), np.uint8)))
    return folder


def test_the_teacher_is_taken_from_the_archive_that_is_published(
    here: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = load_file(make_teacher(tmp_path / "made.safetensors"))
    archive = make_archive(tmp_path / "efficientad_pretrained_weights.zip", state)
    monkeypatch.setattr(teacher, "ARCHIVE_SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())
    place = add(here, TEACHER, archive)
    kept = load_file(place)
    assert all(np.array_equal(kept[name], values) for name, values in state.items())
    assert add(here, TEACHER, archive) == place
    assert list_files(here.settings)[0].path == place


def test_an_archive_of_another_hash_is_not_even_opened(here: Services, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "weights.zip", load_file(make_teacher(tmp_path / "made.safetensors")))
    error = refusal(here, TEACHER, archive)
    assert (error.code, error.params["name"]) == ("teacher_archive_unknown", "weights.zip")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"conv1.weight": np.zeros((256, 3, 4, 4), np.float32)}, "backbone_weights_mismatch"),
        ({"conv9.bias": np.zeros(3, np.float32)}, "backbone_weights_mismatch"),
        ({"conv1.bias": np.full(128, np.nan, np.float32)}, "backbone_weights_mismatch"),
    ],
    ids=["shape", "more", "nan"],
)
def test_weights_of_another_network_are_refused(
    here: Services, tmp_path: Path, changed: dict[str, np.ndarray], code: str
) -> None:
    error = refusal(here, TEACHER, make_teacher(tmp_path / "other.safetensors", changed))
    assert isinstance(error, BadInput)
    assert error.code == code


def test_a_pickle_is_refused(here: Services, tmp_path: Path) -> None:
    (tmp_path / "pretrained_teacher_small.pth").write_bytes(b"\x80\x04cos\nsystem\n.")
    assert refusal(here, TEACHER, tmp_path / "pretrained_teacher_small.pth").code == "teacher_archive_unknown"


def test_another_teacher_does_not_take_the_place_of_the_one_that_is_there(here: Services, tmp_path: Path) -> None:
    add(here, TEACHER, make_teacher(tmp_path / "first.safetensors"))
    assert isinstance(refusal(here, TEACHER, make_teacher(tmp_path / "second.safetensors", seed=1)), Conflict)


def test_images_are_taken_once_each_from_all_folders_and_what_is_none_is_left_out(
    here: Services, tmp_path: Path
) -> None:
    folder = make_pictures(tmp_path / "outside", 4)
    (folder / "again.png").write_bytes((folder / "dogs" / "0.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("by hand")
    place = add(here, IMAGES, folder)
    assert len(list(place.iterdir())) == 4
    add(here, IMAGES, make_pictures(tmp_path / "others", 3, first=50))
    assert len(list(place.iterdir())) == 3


def test_a_link_out_of_the_folder_is_not_followed(here: Services, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "outside", 2)
    secret = make_pictures(tmp_path / "elsewhere", 1, first=90) / "dogs" / "90.png"
    (folder / "link.png").symlink_to(secret)
    error = refusal(here, IMAGES, folder)
    assert (error.code, error.params["found"], error.params["needed"]) == ("outside_images_few", 2, 3)


def test_images_are_cut_to_the_size_of_the_input(here: Services, tmp_path: Path) -> None:
    add(here, IMAGES, make_pictures(tmp_path / "outside", 5))
    shown = list(read_outside_images(here.settings, 32, most=4))
    assert [one.shape for one in shown] == [(32, 32, 3)] * 4


@pytest.mark.parametrize("name", [TEACHER, IMAGES])
def test_a_path_that_is_not_there_is_told(here: Services, tmp_path: Path, name: str) -> None:
    assert isinstance(refusal(here, name, tmp_path / "nothing"), NotFound)


def test_efficientad_says_what_it_lacks_one_after_the_other(here: Services, tmp_path: Path) -> None:
    spec = find_method("efficientad")
    lacking = spec.find_obstacle(here)
    assert isinstance(lacking, NotReady)
    assert "python -m core weights add efficientad_teacher FILE" in str(lacking)
    add(here, TEACHER, make_teacher(tmp_path / "made.safetensors"))
    lacking = spec.find_obstacle(here)
    assert isinstance(lacking, NotReady)
    assert "python -m core weights add efficientad_images FOLDER" in str(lacking)
    add(here, IMAGES, make_pictures(tmp_path / "outside", 3))
    assert spec.find_obstacle(here) is None
