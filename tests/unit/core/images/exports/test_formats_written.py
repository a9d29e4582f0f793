"""What each format's own files say, read without the manifest, as another program reads them."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.errors import BadInput
from core.images.annotations.finding import find_annotations
from core.images.annotations.reading import read_annotations
from core.images.annotations.records import AnnotatedImage
from core.images.exports.making import start_export
from core.images.exports.records import FORMAT_NAMES, ExportChoice, ExportFormat
from core.images.exports.writing import ExportStoppedError, stream_zip, write_folder, write_zip
from core.images.imports.folder_import import import_path
from core.images.ingest import ingest_images
from core.images.library import list_images
from core.images.records import IncomingFile, IngestItem, Label
from core.images.regions.records import Region, rasterize
from core.services import Services
from inference.vision.images.decode import content_hash
from storage.tables import Product

WIDTH, HEIGHT = 32, 24
TYPES = ("hole", "scratch")


def encode(seed: int) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def ring() -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    marked = np.zeros((HEIGHT, WIDTH), dtype=bool)
    marked[4:10, 5:15] = True
    marked[6:8, 8:11] = False
    return marked


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product: two normal images, one with a box and a polygon, one with a mask, one that nobody marked."""
    made = create_product(services, engineer, name="판", code="plate", notice="CC BY 4.0")
    kinds = [create_defect_type(services, engineer, product_id=made.id, code=code, name_ko=code) for code in TYPES]
    hole, scratch = (Label("defect", "test", kind.id, kind.code) for kind in kinds)
    box = Region.of_box(3, 4, 10, 5, defect_type_id=kinds[0].id)
    polygon = Region.of_polygon([(20, 2), (30, 2), (30, 12)], defect_type_id=kinds[1].id)
    mask = Region.of_mask(ring(), defect_type_id=kinds[1].id)
    given: list[tuple[Label, tuple[Region, ...]]] = [
        (Label("normal", "train"), ()),
        (Label("normal", "val"), ()),
        (hole, (box, polygon)),
        (scratch, (mask,)),
        (hole, ()),
        (hole, (box,)),
    ]
    items = [
        IngestItem(IncomingFile(f"{seed}.png", partial(encode, seed)), label, regions=regions)
        for seed, (label, regions) in enumerate(given)
    ]
    assert {one.outcome for one in ingest_images(services, engineer, made, items)} == {"added"}
    return made


def write(services: Services, person: Person, product: Product, target: Path, **choice: object) -> Path:
    write_folder(start_export(services, person, product.id, ExportChoice(**choice)), target)  # type: ignore[arg-type]
    return target


def without_manifest(folder: Path) -> dict[str, AnnotatedImage]:
    """Return what the format's own files say, by the seed of the image."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("geomsa") and "masks" not in path.parts
    }
    found = read_annotations(find_annotations(files), files, is_good_word=lambda word: word == "good")
    assert found.problems == ()
    seeds = {content_hash(encode(seed)): str(seed) for seed in range(6)}
    return {seeds[content_hash(files[path]())]: image for path, image in found.images.items()}


def test_coco_holds_boxes_polygons_and_masks_exactly(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    found = without_manifest(write(services, engineer, product, tmp_path / "x", format="coco"))
    box, polygon = found["2"].regions
    assert (box.shape, box.x, box.y, box.width, box.height, box.type_name) == ("box", 3, 4, 10, 5, "hole")
    assert (polygon.points, polygon.type_name) == (((20, 2), (30, 2), (30, 12)), "scratch")
    (mask,) = found["3"].regions
    assert np.array_equal(rasterize([mask], width_px=WIDTH, height_px=HEIGHT), ring())
    assert {seed: image.is_good for seed, image in found.items()} == {
        "0": None, "1": None, "2": False, "3": False, "4": None, "5": False,
    }  # fmt: skip
    assert found["1"].split == "val"


def test_yolo_says_of_normal_images_that_there_is_nothing_and_of_unmarked_defects_nothing(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    found = without_manifest(write(services, engineer, product, tmp_path / "x", format="yolo"))
    assert {seed: image.is_good for seed, image in found.items()} == {
        "0": True, "1": True, "2": False, "3": False, "4": None, "5": False,
    }  # fmt: skip
    (box,) = found["5"].regions
    assert (box.x, box.y, box.width, box.height) == pytest.approx((3, 4, 10, 5), abs=1e-4)
    assert [region.shape for region in found["2"].regions] == ["polygon", "polygon"]
    (outline,) = found["3"].regions  # its hole is filled
    assert (outline.x, outline.y, outline.width, outline.height) == pytest.approx((5, 4, 10, 6), abs=1e-4)


def test_voc_holds_boxes_and_class_masks(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    folder = write(services, engineer, product, tmp_path / "x", format="voc")
    found = without_manifest(folder)
    (box,) = found["5"].regions
    assert (box.shape, box.x, box.y, box.width, box.height) == ("box", 3, 4, 10, 5)
    (mask,) = found["3"].regions
    assert np.array_equal(rasterize([mask], width_px=WIDTH, height_px=HEIGHT), ring())
    assert {seed: image.is_good for seed, image in found.items()} == {
        "0": True, "1": True, "2": False, "3": False, "4": None, "5": False,
    }  # fmt: skip
    tested = (folder / "ImageSets/Main/test.txt").read_text().split()
    assert len(tested) == 4
    assert ET.parse(folder / f"Annotations/{tested[0]}.xml").findtext("size/width") == str(WIDTH)


def test_csv_lists_images_and_regions_for_a_spreadsheet(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    folder = write(services, engineer, product, tmp_path / "x", format="csv")
    with (folder / "images.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["normal", "normal", "hole", "scratch", "hole", "hole"]
    assert all((folder / row["path"]).is_file() for row in rows)
    assert [row["sha256"] for row in rows] == [content_hash(encode(seed)) for seed in range(6)]
    with (folder / "regions.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["shape"] for row in csv.DictReader(file)] == ["box", "polygon", "mask", "box"]


def test_folders_are_those_of_mvtec(services: Services, engineer: Person, product: Product, tmp_path: Path) -> None:
    folder = write(services, engineer, product, tmp_path / "x")
    places = sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("*.png"))
    assert places == [
        *["plate/ground_truth/hole"] * 2,
        "plate/ground_truth/scratch",
        *["plate/test/hole"] * 3,
        "plate/test/scratch",
        "plate/train/good",
        "plate/val/good",
    ]


def test_the_manifest_has_hashes_and_the_notice_and_two_exports_are_the_same_file(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    first, second = (
        b"".join(stream_zip(start_export(services, engineer, product.id, ExportChoice("coco")))) for _ in range(2)
    )
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        header = json.loads(archive.read("geomsa-export.json"))
        lines = [json.loads(line) for line in archive.read("geomsa-images-1.jsonl").splitlines()]
        named = [*lines, *header["files"], *header["image_lines"], *(line["mask"] for line in lines if line["mask"])]
        assert {one["path"] for one in named} | {"geomsa-export.json"} == set(archive.namelist())
        assert all(content_hash(archive.read(one["path"])) == one["sha256"] for one in named)
    assert header["license_notice"] == "CC BY 4.0"
    assert header["counts"]["images"] == 6


def test_only_what_is_asked_for_leaves(services: Services, engineer: Person, product: Product, tmp_path: Path) -> None:
    ids = [image.id for image in list_images(services, product.id).rows]
    for choice, count in (
        (ExportChoice(splits=("train", "val")), 2),
        (ExportChoice(image_type="defect"), 4),
        (ExportChoice(image_ids=(ids[0], ids[2], 10**9)), 2),
        (ExportChoice(image_ids=tuple(ids), splits=("test",), image_type="defect"), 4),
    ):
        made = start_export(services, engineer, product.id, choice)
        assert (made.n_images, sum(entry.is_image for entry in made.entries)) == (count, count)


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (ExportChoice("zip"), "export_format_unknown"),  # type: ignore[arg-type]
        (ExportChoice(splits=("x",)), "image_split_unknown"),
        (ExportChoice(image_type="x"), "image_type_unknown"),
        (ExportChoice(image_ids=()), "export_nothing"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    services: Services, engineer: Person, product: Product, choice: ExportChoice, code: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        start_export(services, engineer, product.id, choice)
    assert refusal.value.code == code


def test_a_folder_with_something_in_it_is_left_alone(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    (tmp_path / "x").mkdir()
    write(services, engineer, product, tmp_path / "x")  # empty: taken
    for target in (tmp_path / "x", tmp_path / "x/geomsa-export.json"):
        with pytest.raises(BadInput) as refusal:
            write(services, engineer, product, target)
        assert refusal.value.code == "export_target_taken"
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput) as refusal:
        write(services, engineer, product, tmp_path / "file" / "x")
    assert refusal.value.code == "export_target_unwritable"


@pytest.mark.parametrize("writer", [write_folder, write_zip])
def test_an_export_that_is_stopped_leaves_nothing(
    services: Services, engineer: Person, product: Product, tmp_path: Path, writer: object
) -> None:
    done: list[int] = []
    with pytest.raises(ExportStoppedError):
        writer(  # type: ignore[operator]
            start_export(services, engineer, product.id, ExportChoice()),
            tmp_path / "out" / "x.zip",
            progress=lambda n, _total: done.append(n),
            should_stop=lambda: len(done) == 2,
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_file_and_a_damaged_one_are_named_and_the_others_leave(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    images = list_images(services, product.id).rows
    services.objects.delete(images[0].object_key)
    services.objects.put(images[1].object_key, b"other")
    masked = next(image for image in images[2:] if image.mask_key)
    services.objects.delete(str(masked.mask_key))
    made = start_export(services, engineer, product.id, ExportChoice())
    write_folder(made, tmp_path / "x")
    assert sorted(made.summary.left_out) == sorted(
        [
            (images[0].stored_name, "export_object_missing"),
            (images[1].stored_name, "export_image_damaged"),
            (masked.stored_name, "export_mask_missing"),
        ]
    )
    assert made.summary.n_images == 4
    assert import_path(services, engineer, tmp_path / "x", product="again").plan.left_out == ()


@pytest.mark.parametrize("export_format", [name for name in FORMAT_NAMES if name in {"coco", "yolo", "voc"}])
def test_annotations_that_were_corrected_since_count_more_than_the_manifest(
    services: Services, engineer: Person, product: Product, tmp_path: Path, export_format: ExportFormat
) -> None:
    folder = write(services, engineer, product, tmp_path / "x", format=export_format)
    name = next(image.stored_name for image in list_images(services, product.id).rows if image.original_name == "5.png")
    stem = name.rsplit(".", 1)[0]
    if export_format == "coco":
        path = folder / "annotations/instances_test.json"
        value = json.loads(path.read_text())
        number = next(one["id"] for one in value["images"] if one["file_name"] == name)
        next(one for one in value["annotations"] if one["image_id"] == number)["bbox"] = [1, 1, 8, 8]
        path.write_text(json.dumps(value))
    elif export_format == "yolo":
        text = f"0 {5 / WIDTH} {5 / HEIGHT} {8 / WIDTH} {8 / HEIGHT}\n"
        (folder / f"labels/test/{stem}.txt").write_text(text)
    else:
        path = folder / f"Annotations/{stem}.xml"
        text = path.read_text()
        for tag, now in (("xmin", 2), ("ymin", 2), ("xmax", 9), ("ymax", 9)):
            start = text.index(f"<{tag}>")
            text = text[:start] + f"<{tag}>{now}" + text[text.index(f"</{tag}>", start) :]
        path.write_text(text)
    plan = import_path(services, engineer, folder, plan_only=True).plan
    assert (plan.questions, plan.left_out) == ((), ())
    image = next(one for one in plan.images if one.path.endswith(name))
    (region,) = image.regions
    assert (region.x, region.y, region.width, region.height) == pytest.approx((1, 1, 8, 8), abs=1e-4)
    assert (image.masks, image.split, image.original_name) == ((), "test", "5.png")


def test_an_image_that_was_changed_since_is_named(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    folder = write(services, engineer, product, tmp_path / "x", format="csv")
    changed, gone = sorted((folder / "images").iterdir())[:2]
    changed.write_bytes(encode(77) + b" ")
    gone.unlink()
    plan = import_path(services, engineer, folder, plan_only=True).plan
    assert {found.reason for found in plan.left_out if found.matters} >= {
        "export_image_changed",
        "export_image_missing",
    }


def test_a_manifest_that_was_tampered_with_is_not_believed(
    services: Services, engineer: Person, product: Product, tmp_path: Path
) -> None:
    folder = write(services, engineer, product, tmp_path / "x")
    lines = folder / "geomsa-images-1.jsonl"
    lines.write_text(lines.read_text().replace('"test"', '"train"'))
    plan = import_path(services, engineer, folder, plan_only=True).plan
    assert "export_manifest_damaged" in {found.reason for found in plan.left_out}
    assert {image.split for image in plan.images if image.kind == "defect"} == {"test"}  # by its folders


@pytest.mark.parametrize("export_format", FORMAT_NAMES)
def test_the_manifest_names_what_only_it_keeps(
    services: Services, engineer: Person, product: Product, tmp_path: Path, export_format: ExportFormat
) -> None:
    made = start_export(services, engineer, product.id, ExportChoice(export_format))
    write_folder(made, tmp_path / "x")
    only = json.loads((tmp_path / "x" / "geomsa-export.json").read_text())["only_in_manifest"]
    assert only == made.summary.beside_format
    # Of six images three have regions, two of them outlines; one is a defect that nobody has marked.
    expected = {
        "folders": {"regions": 3, "region_origins": 3, "original_names": 6},
        "coco": {"region_origins": 3, "original_names": 6},
        "yolo": {"outlines": 2, "unmarked_types": 1, "region_origins": 3, "original_names": 6},
        "voc": {"outlines": 2, "unmarked_types": 1, "region_origins": 3, "original_names": 6},
        "csv": {"region_origins": 3},
    }
    assert only == expected[export_format]
