"""Small inputs that each stand for a kind of mistake: every one is run through the command line and compared.

    python -m benchmarks.check_cases FOLDER [--only NUMBER …]

FOLDER holds the archives, pictures and pages that are named below (02-visa-original.zip …). Each is taken in, deployed
or asked by `python -m core …` in a data folder of its own, and what the commands say and what is then stored is
compared with the right answer; masks pixel by pixel. A file of FOLDER for which there is no check counts as wrong.
Progress goes to stderr; the last line of stdout is one JSON object: `right`, `wrong` (what differs, by file) and
`seconds`. The exit status is 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.images.library import list_images, read_mask_png
from core.models.kinds import MEMORY_BANK
from core.preprocessing.stored_options import parse_options, save_preprocessing
from core.registry.versions import has_active_version
from core.services import build_services
from core.settings import read_settings
from inference.language.passages import split_passages
from inference.language.pdf_text import read_pdf
from inference.vision.images.decode import decode, decode_mask

ROOT = Path(__file__).resolve().parents[1]
_LONGEST_S = 1200
_NOT_ALL = 3  # the exit status where something was left out, or built and not put into use


@dataclass(frozen=True)
class Told:
    """What a command said: its exit status, the last line of its output as JSON, and the notes."""

    status: int
    answer: dict[str, Any]
    notes: str


class Case:
    """One file, tried in a data folder of its own; what is not as it should be is kept in words."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self._folder = path, folder
        self.wrong: list[str] = []
        self.is_indexed = False

    def run(self, *words: object) -> Told:
        """Run a command."""
        env = {**os.environ, "GEOMSA_DATA_DIR": str(self._folder / "data"), "GEOMSA_LANGUAGE": "en"}
        command = [sys.executable, "-m", "core", *map(str, words)]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_LONGEST_S, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return Told(done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr)

    def run_import(self, path: Path | None = None, *more: object) -> Told:
        """Import the file, or a folder that it was laid into."""
        return self.run("import", path or self.path, *more, "--json")

    def lay(self, *parts: str, data: bytes | None = None) -> Path:
        """Lay the file (or this one) below the folder that is imported; return that folder."""
        top = self._folder / "laid"
        target = top.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.path.read_bytes() if data is None else data)
        return top

    def same(self, what: str, found: object, expected: object) -> None:
        """Compare."""
        if found != expected:
            self.wrong.append(f"{what}: {found!r}, not {expected!r}")

    def holds(self, what: str, is_so: bool) -> None:
        """Note what is not so."""
        if not is_so:
            self.wrong.append(what)

    def masks(self, product: str) -> dict[str, NDArray[np.bool_] | None]:
        """Return the stored mask of each image by the name that it had."""
        with self._services() as services:
            rows = list_images(services, find_product(services, product).id, page_size=500).rows
            stored = {row.original_name: read_mask_png(services, row) for row in rows}
        return {name: None if png is None else decode_mask(png) for name, png in stored.items()}

    def splits(self, product: str) -> dict[str, str]:
        """Return the split of each image."""
        with self._services() as services:
            rows = list_images(services, find_product(services, product).id, page_size=500).rows
        return {row.original_name: row.split for row in rows}

    def set_tiles(self, product: str, *, width_px: int, height_px: int) -> None:
        """Set the tiles of a product, as the page does."""
        with self._services() as services:
            own = find_product(services, product)
            options = parse_options({"tile_size_px": width_px, "tile_height_px": height_px})
            save_preprocessing(services, open_person(services, "engineer"), own.id, row_version=0, options=options)

    def has_active_bank(self, product: str) -> bool:
        """Return whether a memory bank is in use."""
        with self._services() as services:
            return has_active_version(services, MEMORY_BANK, find_product(services, product).id)

    @contextmanager
    def _services(self) -> Iterator[Any]:
        services = build_services(read_settings({"GEOMSA_DATA_DIR": str(self._folder / "data")}))
        try:
            yield services
        finally:
            services.database.dispose()


def counted(normal: int, defect: dict[str, int], *, masks: int = 0, val: int = 0, test: int = 0) -> dict[str, Any]:
    """Return the counts of a product as `import --json` has them."""
    return {"normal": normal, "defect": defect, "masks": masks, "val": val, "test": test}


def entries(path: Path) -> dict[str, bytes]:
    """Return the files of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def gray(data: bytes) -> NDArray[Any]:
    """Return the values of a gray picture as Pillow reads them."""
    with PillowImage.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"))


def check_masks(case: Case, code: str, expected: dict[str, NDArray[np.bool_]]) -> None:
    """Compare the stored masks with those that the images should have, pixel by pixel."""
    found = {name: mask for name, mask in case.masks(code).items() if mask is not None}
    case.same("images with a mask", sorted(found), sorted(expected))
    for name in found.keys() & expected.keys():
        case.holds(f"the mask of {name} differs", bool(np.array_equal(found[name], expected[name])))


def visa(case: Case) -> None:
    told = case.run_import()
    case.same("status", told.status, 0)
    own = counted(3, {"defect": 3}, masks=3)
    case.same("products", told.answer.get("products"), {"board": own, "candle": own})
    files = entries(case.path)
    for code in ("board", "candle"):
        masks = {
            path.replace("/Masks/", "/Images/").replace(".png", ".JPG"): gray(data) > 0
            for path, data in files.items()
            if f"/{code}/" in path and "/Masks/" in path
        }
        check_masks(case, code, masks)


def masks_in_folders(case: Case) -> None:
    told = case.run_import()
    case.same("products", told.answer.get("products"), {"bag": counted(5, {"logical": 3}, masks=3, val=2, test=3)})
    case.same("left out", told.answer.get("left_out"), [])
    expected: dict[str, NDArray[np.bool_]] = {}
    for path, data in entries(case.path).items():
        if "/ground_truth/" in path:
            image = f"bag/test/logical/{path.split('/')[-2]}.png"
            marked = gray(data) > 0
            expected[image] = expected.get(image, np.zeros_like(marked)) | marked
    check_masks(case, "bag", expected)
    in_val = {name for name, split in case.splits("bag").items() if split == "val"}
    case.same("val", in_val, {"bag/validation/good/000.png", "bag/validation/good/001.png"})


def masks_beside(case: Case) -> None:
    told = case.run_import()
    case.same("status", told.status, 0)
    case.same("products", told.answer.get("products"), {"tile": counted(3, {"crack": 3}, masks=3)})
    masks = {
        path.replace(".png", ".jpg"): gray(data) > 0
        for path, data in entries(case.path).items()
        if path.endswith(".png")
    }
    check_masks(case, "tile", masks)


def helper_folders(case: Case) -> None:
    told = case.run_import()
    case.same("status", told.status, _NOT_ALL)
    case.same("products", told.answer.get("products"), {"Class1": counted(4, {}, test=2)})
    lost = {one["path"]: one["reason"] for one in told.answer.get("left_out", ())}
    paths = ("Class1/Test/Label/0001_label.PNG", "Class1/Train/Label/0001_label.PNG")
    case.same("left out", lost, dict.fromkeys(paths, "mask_without_image"))
    case.holds("the masks left out are not named", all(path in told.notes for path in paths))


def val_split(case: Case) -> None:
    for more, code in (((), "cap"), (("--product", "lid"), "lid")):
        told = case.run_import(None, *more)
        case.same("status", told.status, 0)
        case.same("products", told.answer.get("products"), {code: counted(6, {"dent": 2}, val=2, test=4)})
        in_val = sorted(name for name, split in case.splits(code).items() if split == "val")
        case.same("val", in_val, ["cap/val/good/val0.jpg", "cap/val/good/val1.jpg"])


def ringing_mask(case: Case) -> None:
    case.run_import()
    mask = case.masks("tile")["tile/test/crack/0.png"]
    case.same("pixels marked", None if mask is None else int(mask.sum()), 280)


def inverted_mask(case: Case) -> None:
    told = case.run_import()
    note = "inverted?" in told.notes and "0_mask.png" in told.notes
    refused = any(one["path"].endswith("0_mask.png") for one in told.answer.get("left_out", ()))
    case.holds("nothing is said of the mask", note or refused)
    case.holds("no note in the JSON", refused or told.answer.get("notes", {}).get("mask_inverted") == 1)


def planar_tiff(case: Case) -> None:
    told = case.run_import(case.lay("good", case.path.name), "--product", "p")
    case.same("status", told.status, 0)
    pixels = decode(case.path.read_bytes(), file_name=case.path.name).pixels.astype(int)
    red, green, blue = (pixels[..., channel] for channel in range(3))
    case.holds("red is no ramp", int(red.max()) > 200 and len(np.unique(red)) > 50)
    case.holds("green is not half of red", int(np.abs(green - red // 2).max()) <= 1)
    case.holds("blue is not a third of red", int(np.abs(blue - red // 3).max()) <= 1)


def low_depth(case: Case) -> None:
    top = case.lay("good", case.path.name)
    for number in range(4):  # so many that a memory bank could be built
        case.lay("good", f"more{number}.png", data=_brighter(case.path.read_bytes(), number + 1))
    told = case.run_import(top, "--product", "p")
    case.holds("nothing is said at the import", "bit depth" in told.notes and case.path.name in told.notes)
    case.holds("no note in the JSON", told.answer.get("notes", {}).get("low_range", 0) >= 1)
    warned = case.run("deploy", "memory-bank", "--product", "p", "--no-wait")
    case.holds("nothing is said at the deployment", "bit depth" in warned.notes)


def _brighter(data: bytes, by: int) -> bytes:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise SystemExit("the picture cannot be read")
    return bytes(cv2.imencode(".png", np.minimum(pixels + by, 4095).astype(np.uint16))[1].tobytes())


def unsupported(case: Case) -> None:
    told = case.run_import(case.lay("good", case.path.name), "--product", "p")
    case.same("status", told.status, 1)
    reasons = [one["reason"] for one in told.answer.get("left_out", ())]
    case.same("left out", reasons, ["image_unsupported_format"])
    case.holds("the remedy is missing", "format that is not taken in" in told.notes and "PNG" in told.notes)
    case.holds("it is called damaged", "damaged" not in told.notes)


def line_scan(case: Case) -> None:
    told = case.run_import()
    built = case.run("deploy", "memory-bank", "--product", "film")
    (notice,) = built.answer.get("notices", [{}])
    smallest = notice.get("params", {}).get("smallest_px", 0)
    case.holds(f"the smallest defect along the strip is given as {smallest} px", 150 <= smallest <= 220)
    for name, notes in (("import", told.notes), ("deployment", built.notes)):
        case.holds(f"no warning with tiles at the {name}", "64 × 20000" in notes and "tiles of 64 × " in notes)


def line_scan_spot(case: Case) -> None:
    """With the tiles that the warning names, the spot may not pass."""
    case.run_import(case.path.with_name("14-line-scan.zip"))
    case.set_tiles("film", width_px=64, height_px=1024)
    built = case.run("deploy", "memory-bank", "--product", "film")
    case.holds("the warning stays with these tiles", "may be lost" not in built.notes)
    told = case.run("inspect", case.path, "--product", "film", "--json")
    case.holds(f"the spot passes: {told.answer}", told.answer.get("verdict") in {"review", "reject"})


def chance_model(case: Case) -> None:
    case.run_import()
    built = case.run("deploy", "memory-bank", "--product", "part")
    case.same("status", built.status, _NOT_ALL)
    case.same("outcome", built.answer.get("outcome"), "candidate")
    weak = built.answer.get("weak_on_test") or []
    case.holds("no weak_on_test", any(isinstance(one.get("image_auroc"), float) for one in weak))
    case.holds("no figure in words", "AUROC 0." in built.notes)
    case.holds("no remedy in words", "check the labels" in built.notes)
    case.holds("it was activated", not case.has_active_bank("part"))


def no_product(case: Case) -> None:
    told = case.run_import()
    case.same("status", told.status, 1)
    case.holds("the folders are not named", "NG" in told.notes and "OK" in told.notes)
    case.holds("what to add is not said", "--product" in told.notes)
    case.same("questions", [one["code"] for one in told.answer["questions"]], ["import_product_missing"])


def table_of_codes(case: Case) -> None:
    rows = [("A", "Scratch", "Rework"), ("B", "Dent", "Scrap"), ("C", "Burr", "Deburr"), ("D", "Stain", "Wash")]
    found = _table_rows(case.path)
    for row in rows:
        case.holds(f"no row {row}", any(all(cell in line for cell in row) for line in found))
        others = {cell for other in rows if other != row for cell in other[1:]}
        mixed = [line for line in found if row[2] in line and any(cell in line for cell in others)]
        case.same(f"rows of {row[1]} with another's", mixed, [])
    for _code, name, action in rows:
        case.same(f"steps for {name}", _ask(case, name), [action])


def table_of_syllables(case: Case) -> None:
    for name, number in (("버", 2), ("휨", 3), ("녹", 4), ("균열", 0), ("누락", 6)):
        steps = _ask(case, name)
        case.holds(f"{name}: {steps}", len(steps) == 1 and steps[0].endswith(f"조치 A{number}"))


def sideways(case: Case) -> None:
    told = _guidance(case, "스크래치")
    case.same("sections", [step["section"] for step in told], ["cause", "action", "check", "prevention"])
    case.holds("the steps are others", "롤러를 청소한다" in told[1]["text"] if len(told) > 1 else False)
    lines = [line for passage in _passages(case.path) for line in passage.text.splitlines()]
    starts = [line.split(":")[0] for line in lines if ":" in line]
    case.same("reading order", starts, ["원인", "즉시 조치", "점검", "재발 방지"])


def watermark(case: Case) -> None:
    headings = [" ".join(passage.heading) for passage in _passages(case.path)]
    case.holds(f"the watermark is a heading: {headings}", not any("대외비" in heading for heading in headings))
    told = _guidance(case, "스크래치")
    case.same("sections", [step["section"] for step in told], ["cause", "action", "check", "prevention"])
    case.holds("the watermark is a step", not any("대외비" in step["text"] for step in told))


def _passages(path: Path) -> list[Any]:
    return split_passages(read_pdf(path.read_bytes()), source_id=1)


def _table_rows(path: Path) -> list[str]:
    return [line for passage in _passages(path) if passage.kind == "table" for line in passage.text.splitlines()]


def _guidance(case: Case, name: str) -> list[dict[str, Any]]:
    """Return the steps of a defect of a product that has the manual; the first call lays, adds and indexes all."""
    if not case.is_indexed:
        drawn = np.random.default_rng(7)
        for place in ("good", *(f"ng/{found}" for found in _NAMED)):
            out = io.BytesIO()
            PillowImage.fromarray(drawn.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(out, "PNG")
            top = case.lay(*place.split("/"), "1.png", data=out.getvalue())
        case.run("import", top, "--product", "p")
        case.same("status of manual add", case.run("manual", "add", case.path, "--product", "p").status, 0)
        case.same("status of the index", case.run("deploy", "manual-index", "--product", "p").status, 0)
        case.is_indexed = True
    return list(case.run("guidance", "--product", "p", "--type", name, "--json").answer.get("steps", ()))


def _ask(case: Case, name: str) -> list[str]:
    return [step["text"] for step in _guidance(case, name)]


_NAMED = ("Scratch", "Dent", "Burr", "Stain", "버", "휨", "녹", "균열", "누락", "스크래치")
CHECKS: dict[str, Callable[[Case], None]] = {
    "02-visa-original.zip": visa,
    "03-masks-in-image-folders.zip": masks_in_folders,
    "04-mask-same-name-beside.zip": masks_beside,
    "05-label-folder.zip": helper_folders,
    "07-val-split.zip": val_split,
    "08-ringing-mask.zip": ringing_mask,
    "10-planar-rgb16.tif": planar_tiff,
    "11-mono12-in-16.png": low_depth,
    "11-rgb12-in-16.png": low_depth,
    "12-float64.tif": unsupported,
    "13-bitfields.bmp": unsupported,
    "14-line-scan-spot-24px.png": line_scan_spot,
    "14-line-scan.zip": line_scan,
    "18-sideways-clockwise.pdf": sideways,
    "19-one-syllable-names.pdf": table_of_syllables,
    "19-single-letter-codes.pdf": table_of_codes,
    "20-watermark.pdf": watermark,
    "21-okng-no-product.zip": no_product,
    "22-chance-model.zip": chance_model,
    "23-inverted-mask.zip": inverted_mask,
}


def check(path: Path) -> list[str]:
    """Return what is wrong with one file."""
    run = CHECKS.get(path.name)
    if run is None:
        return ["there is no check for this file"]
    with tempfile.TemporaryDirectory(prefix="geomsa-cases-") as folder:
        case = Case(path, Path(folder))
        try:
            run(case)
        except (KeyError, IndexError, TypeError, ValueError, subprocess.SubprocessError) as error:
            case.wrong.append(f"{type(error).__name__}: {error}")
    return case.wrong


def main() -> int:
    """Check every file of the folder, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="only files whose names begin so")
    wanted = parser.parse_args()
    if not wanted.folder.is_dir():
        raise SystemExit(f"{wanted.folder}: there is no such folder")
    files = sorted(path for path in wanted.folder.iterdir() if path.is_file() and path.name != "README.md")
    missing = sorted(CHECKS.keys() - {path.name for path in files})
    chosen = [path for path in files if not wanted.only or path.name.startswith(tuple(wanted.only))]
    started = time.perf_counter()
    wrong: dict[str, list[str]] = {name: ["it is not there"] for name in missing if not wanted.only}
    for path in chosen:
        found = check(path)
        print(path.name, "; ".join(found) or "right", file=sys.stderr, flush=True)
        if found:
            wrong[path.name] = found
    right = len(chosen) - len(wrong.keys() - set(missing))
    told = {"right": right, "wrong": wrong, "seconds": round(time.perf_counter() - started)}
    print(json.dumps(told, ensure_ascii=False))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
