"""The Python client: without a line of the product it goes from a file's bytes to what the network says."""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.export.documents import describe_input
from inference.vision.learning.trained_network.input import prepare_input
from tests.exported_networks import CLIENTS, run_python_client, write_export
from tests.trained_networks import describe, paint


@pytest.fixture(scope="module")
def pixels() -> Iterator[ModuleType]:
    """Yield the client's module that makes inputs."""
    spec = importlib.util.spec_from_file_location("geomsa_client_pixels", CLIENTS / "python" / "pixels.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("export"), describe(resize="letterbox"))


def test_it_passes_all_vectors(exported: Path) -> None:
    done = run_python_client(str(exported), "--check", without="cv2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    assert all("input: 0 levels" in line for line in lines[:8])
    assert lines[-1] == "all test vectors passed"


@pytest.mark.full
def test_it_passes_them_through_openvino(tmp_path: Path) -> None:
    folder = write_export(tmp_path, describe(), format="openvino")
    assert not (folder / "model.onnx").exists()
    done = run_python_client(str(folder), "--check", without="onnxruntime")
    assert done.returncode == 0, done.stderr


def test_a_vector_that_does_not_come_out_is_named(tmp_path: Path) -> None:
    folder = write_export(tmp_path, describe())
    place = folder / "vectors" / "03.probabilities.bin"
    place.write_bytes(np.array([0.2, 0.3, 0.5], "<f4").tobytes())
    done = run_python_client(str(folder), "--check")
    assert done.returncode == 1
    assert "03.png: probabilities differs" in done.stderr


def test_it_names_images_and_goes_on_after_one_that_is_missing(exported: Path, tmp_path: Path) -> None:
    place = tmp_path / "red.png"
    Image.fromarray(paint("red_spot")).save(place)
    done = run_python_client(str(exported), str(tmp_path / "none.png"), str(place), "--json")
    assert done.returncode == 1
    assert "none.png" in done.stderr
    said = json.loads(done.stdout)
    assert said["named"] == "red_spot"
    assert said["is_defect"] is True
    assert said["score"] == pytest.approx(1 - said["probabilities"]["good"], abs=2e-4)


def test_a_network_that_needs_opencv_is_refused_without_it(tmp_path: Path) -> None:
    folder = write_export(tmp_path, describe(preprocessing=Preprocessing(clahe=True)))
    assert run_python_client(str(folder), "--check").returncode == 0
    done = run_python_client(str(folder), "--check", without="cv2")
    assert done.returncode == 1
    assert "needs OpenCV" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_step_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = write_export(tmp_path, describe())
    place = folder / "preprocessing.json"
    document = json.loads(place.read_text())
    document["steps"].insert(0, {"name": "sharpen"})
    place.write_text(json.dumps(document))
    done = run_python_client(str(folder), "--check")
    assert done.returncode == 1
    assert "does not know the step “sharpen”" in done.stderr


def test_sixteen_bits_are_refused_and_not_guessed(exported: Path, tmp_path: Path) -> None:
    place = tmp_path / "deep.png"
    cv2.imwrite(str(place), np.full((40, 40), 3000, np.uint16))
    done = run_python_client(str(exported), str(place))
    assert done.returncode == 1
    assert "8 bits a channel" in done.stderr


SIZES = [(40, 30), (50, 100), (100, 50), (64, 64), (128, 128), (192, 256), (300, 201), (65, 777), (1, 1), (3, 200)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_inputs_are_those_of_the_product(pixels: ModuleType, height: int, width: int, resize: str) -> None:
    description = describe(resize=resize, width_px=64, height_px=48)
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)
    found, _place = pixels.prepare(image, describe_input(description))
    assert np.array_equal(found, prepare_input(image, description))


@pytest.mark.parametrize(
    "preprocessing",
    [
        Preprocessing(grayscale=True),
        Preprocessing(grayscale=True, normalize=True),
        Preprocessing(normalize=True, equalize=True, clahe=True),
        Preprocessing(smoothing="gaussian", smoothing_size_px=5, clahe=True, clahe_tile_grid=4),
        Preprocessing(smoothing="median"),
        Preprocessing(smoothing="bilateral", smoothing_size_px=7, grayscale=True, equalize=True),
        Preprocessing(region_of_interest=(0.13, 0.2, 0.6, 0.71), ignore=((0.3, 0.3, 0.17, 0.2),)),
    ],
)
@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_so_they_are_with_preprocessing(pixels: ModuleType, preprocessing: Preprocessing, resize: str) -> None:
    description = describe(resize=resize, preprocessing=preprocessing)
    image = paint("red_spot", width=133, height=91, seed=3)
    found, _place = pixels.prepare(image, describe_input(description))
    assert np.array_equal(found, prepare_input(image, description))


@pytest.mark.parametrize("name", ["gray", "palette", "alpha", "empty alpha", "rotated", "jpeg"])
def test_files_are_read_as_the_product_reads_them(pixels: ModuleType, tmp_path: Path, name: str) -> None:
    image = Image.fromarray(paint("blue_spot", seed=5))
    place = tmp_path / "image.png"
    if name == "gray":
        image.convert("L").save(place)
    elif name == "palette":
        image.quantize(32).save(place)
    elif "alpha" in name:
        alpha = np.zeros((72, 96), np.uint8) if name.startswith("empty") else np.arange(72 * 96).reshape(72, 96) % 256
        image.putalpha(Image.fromarray(alpha.astype(np.uint8)))
        image.save(place)
    else:
        place = tmp_path / "image.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6 if name == "rotated" else 1
        image.save(place, exif=exif, quality=90)
    data = place.read_bytes()
    assert np.array_equal(pixels.decode(data), decode(data).pixels)


def test_it_stands_alone() -> None:
    for path in (CLIENTS / "python").glob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        }
        allowed = {"numpy", "PIL", "cv2", "onnxruntime", "openvino", "pixels"} | sys.stdlib_module_names
        assert names <= allowed, path
