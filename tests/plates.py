"""A small made-up product, "plate": brushed metal with dark spots and bright scratches, built in a few seconds."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.deployments import pipeline
from core.images.imports.folder_import import import_path
from core.jobs import claims, queue, terms
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services, build_services
from core.settings import Settings, read_settings
from storage.tables import Product
from tests.databases import data_settings

SIZE_PX = 112
DEFECTS = ("scratch", "spot")
# The models that are built from images.
IMAGE_KINDS = (MEMORY_BANK, SIMILARITY_INDEX)
# Split, kind, how many.
PARTS = (("train", "good", 10), ("train", "scratch", 3), ("train", "spot", 3))
TEST_PARTS = (("test", "good", 4), ("test", "scratch", 2), ("test", "spot", 2))


def plate(seed: int, defect: str = "good", *, width_px: int = SIZE_PX, height_px: int = SIZE_PX) -> NDArray[np.uint8]:
    """Draw one plate, RGB uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0.0, 30.0, (SIZE_PX, SIZE_PX)).astype(np.float32), (0, 0), 3, sigmaY=0.7)
    pixels = np.clip(140.0 + grain, 0, 255).astype(np.uint8)
    pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    x, y = (int(value) for value in rng.integers(30, SIZE_PX - 30, 2))
    if defect == "spot":
        cv2.circle(pixels, (x, y), 11, (25, 20, 20), -1)
    elif defect == "scratch":
        cv2.line(pixels, (x - 22, y - 22), (x + 22, y + 22), (250, 250, 240), 4)
    if (width_px, height_px) != (SIZE_PX, SIZE_PX):
        pixels = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(pixels, np.uint8)


def mask(seed: int, defect: str) -> NDArray[np.uint8]:
    """Return where the defect of `plate(seed, defect)` is: uint8 (height, width), 255 inside."""
    return np.where(np.any(plate(seed, defect) != plate(seed), axis=2), 255, 0).astype(np.uint8)


def encode(pixels: NDArray[np.uint8], ending: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(ending, ending.upper()))
    return buffer.getvalue()


def write(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(pixels, path.suffix[1:]))


def write_plates(
    folder: Path, *, parts: tuple[tuple[str, str, int], ...] = PARTS + TEST_PARTS, masks: bool = True
) -> None:
    """Write the plates as `folder/{train,test}/{good,<defect>}`, with masks of the defects in the test split."""
    for split, kind, count in parts:
        for number in range(count):
            seed = seed_of(split, kind, number)
            write(folder / split / kind / f"{number:03d}.png", plate(seed, kind))
            if masks and split == "test" and kind in DEFECTS:
                write(folder / "ground_truth" / kind / f"{number:03d}_mask.png", mask(seed, kind))


def seed_of(split: str, kind: str, number: int) -> int:
    """Return a seed: every plate is another one; a defective one is unlike every good one, too."""
    return number + 100 * ("good", *DEFECTS).index(kind) + (1000 if split == "test" else 0)


def folder_settings(data_dir: Path, **more: str) -> Settings:
    return read_settings({**data_settings(data_dir), "GEOMSA_DEVICE": "cpu", **more})


def ingest_plates(services: Services, folder: Path) -> Product:
    """Write the plates into `folder`/plate and ingest them as the product "plate"."""
    write_plates(folder / "plate")
    summary = import_path(services, open_person(services, "engineer"), folder / "plate")
    assert all(outcome.outcome == "added" for outcome in summary.outcomes)
    return find_product(services, "plate")


def deploy(services: Services, *product_ids: int, kinds: tuple[str, ...] = IMAGE_KINDS) -> list[int]:
    """Build and activate in this process, along the worker's path; return the ids of the jobs."""
    done = []
    for kind in kinds:
        job_id, claim = submit_and_claim(services, open_person(services, "engineer"), kind, *product_ids)
        error = pipeline.work_off(services, claim)
        assert claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
        done.append(job_id)
    return done


def submit_and_claim(services: Services, person: Person, kind: str, *product_ids: int) -> tuple[int, terms.Claim]:
    job_id = queue.submit(services, person, kind=kind, product_ids=product_ids)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    assert claim.job_id == job_id
    return job_id, claim


def build_plate_folder(data_dir: Path) -> None:
    """Build a data folder with the product "plate", ingested and deployed."""
    services = build_services(folder_settings(data_dir), migrate=True)
    product = ingest_plates(services, data_dir.parent / "plates")
    deploy(services, product.id)
    services.database.dispose()


def copy_data(template: Path, data_dir: Path) -> Path:
    """Copy a data folder for a test of its own."""
    shutil.copytree(template, data_dir)
    data_settings(data_dir, source=template)
    return data_dir
