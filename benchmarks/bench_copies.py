"""How many copies of pictures the gallery finds as near-duplicates, and how many other pictures it takes for copies.

    python -m benchmarks.bench_copies --data FOLDER [--copies 97] [--least 0.78 0.70]

FOLDER is a data folder with products (`GEOMSA_DATA_DIR=FOLDER python -m core demo` makes one); it is only read. Of up
to so many images of each product a copy of each kind is made: saved as JPEG of quality 60, at half the size, a tenth
brighter. Each kind is looked for among all of the product's images, as the gallery does: by fingerprints and by the
details of the thumbnails. `found` counts the copies that are in a group with their original, `wrong` the groups that
hold two pictures of which neither is the other's copy; groups that the product's own images make without any copy
added are `before`. Progress goes to stderr; the last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sqlmodel import col, select

from core.catalog.products import list_products
from core.images.library import read_image, read_thumbnails
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading
from inference.vision.images.decode import decode
from inference.vision.images.encoding import encode_jpeg
from inference.vision.images.measures.summary import summarize
from inference.vision.learning import copies
from inference.vision.learning.copies import find_candidates, group_copies, take_details
from storage.tables import Image

Pixels = npt.NDArray[np.uint8]

_SAMPLE = 48  # as `core.images.likeness.groups`
_COPY = 1_000_000_000  # added to the number of an image: its copy's


def _smaller(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    return np.asarray(cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _brighter(pixels: Pixels) -> Pixels:
    return np.asarray(np.clip(pixels.astype(np.float32) * 1.1, 0, 255), np.uint8)


def _compressed(pixels: Pixels) -> Pixels:
    return decode(encode_jpeg(pixels, 60)).pixels


KINDS: dict[str, Callable[[Pixels], Pixels]] = {
    "JPEG 60": _compressed,
    "half the size": _smaller,
    "a tenth brighter": _brighter,
}


def measure(services: Services, product_id: int, n_copies: int) -> dict[str, Any]:
    """Return what is found of each kind of copy of a product's images."""
    with reading(services) as session:
        query = select(Image).where(Image.product_id == product_id, col(Image.difference_hash).is_not(None))
        rows = session.exec(query.order_by(col(Image.id))).all()
    hashes = {row.id: int(row.difference_hash or 0) for row in rows}
    details = {}
    for number, data in read_thumbnails(services, rows).items():
        if data is not None:
            details[number] = take_details(decode(data, bit_depth=8).pixels)
    chosen = rows[:: max(1, len(rows) // n_copies)][:n_copies]
    pixels = {row.id: decode(read_image(services, row)).pixels for row in chosen}
    before = _find(hashes, details)
    figures: dict[str, Any] = {"images": len(rows), "copies": len(chosen), "before": len(before)}
    for kind, change in KINDS.items():
        own, own_details = dict(hashes), dict(details)
        for number, original in pixels.items():
            summary = summarize(change(original))
            own[number + _COPY] = summary.difference_hash
            own_details[number + _COPY] = take_details(decode(summary.thumbnail, bit_depth=8).pixels)
        groups = _find(own, own_details)
        found = sum(any({number, number + _COPY} <= group for group in groups) for number in pixels)
        wrong = sum(len({number % _COPY for number in group}) > 1 for group in groups)
        figures[kind] = {"found": found, "wrong": wrong}
    return figures


def _find(hashes: dict[int, int], details: dict[int, npt.NDArray[np.float16]]) -> list[set[int]]:
    ids = list(hashes)
    pairs = [(ids[first], ids[second]) for first, second, _bits in find_candidates(list(hashes.values()))]
    originals = [number for number in ids if number < _COPY]
    sample = originals[:: max(1, len(originals) // _SAMPLE)][:_SAMPLE] if pairs else []
    return [set(found.keys) for found in group_copies(details, pairs, sample)]


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=97)
    parser.add_argument("--least", type=float, nargs="+", default=[copies.LEAST_LIKENESS], help="thresholds to compare")
    options = parser.parse_args()
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(options.data), "GEOMSA_DEVICE": "cpu"}))
    result: dict[str, Any] = {}
    for least in options.least:
        copies.LEAST_LIKENESS = least
        for summary in list_products(services):
            figures = measure(services, summary.product.id, options.copies)
            result.setdefault(f"{least:.2f}", {})[summary.product.code] = figures
            print(least, summary.product.code, figures, file=sys.stderr, flush=True)
    for by_product in result.values():
        total = sum(found["copies"] for found in by_product.values())
        by_product["recall"] = {
            kind: round(sum(found[kind]["found"] for found in by_product.values() if "copies" in found) / total, 4)
            for kind in KINDS
        }
    services.database.dispose()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
