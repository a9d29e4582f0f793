"""Sets of tiny images, drawn and zipped in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from PIL import Image

from core.access import Person
from core.errors import AppError
from core.image_imports import working
from core.image_imports.drafts import ImportDraft, draft_from_files
from core.image_imports.starting import start_import
from core.images.records import IncomingFile
from core.jobs import claims
from core.services import Services
from tests.zip_files import make_zip


@cache
def picture(seed: int) -> bytes:
    """Return a PNG of 24 × 20 px, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    return _png(pixels)


@cache
def mask(seed: int = 0) -> bytes:
    """Return a mask for a picture."""
    pixels = np.zeros((20, 24), np.uint8)
    pixels[4 : 9 + seed % 3, 5:12] = 255
    return _png(pixels)


def _png(pixels: np.typing.NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def widget_set(n_good: int = 4, n_bad: int = 3) -> dict[str, bytes]:
    """Return good and defective parts of one product, with masks, by path."""
    files = {f"widget/train/good/{n:03d}.png": picture(n) for n in range(n_good)}
    files |= {f"widget/test/scratch/{n:03d}.png": picture(100 + n) for n in range(n_bad)}
    return files | {f"widget/ground_truth/scratch/{n:03d}_mask.png": mask(n) for n in range(n_bad)}


@contextmanager
def refused(code: str) -> Iterator[None]:
    """Expect an error of this code."""
    with pytest.raises(AppError) as caught:
        yield
    assert caught.value.code == code


def as_zip(files: dict[str, bytes], name: str = "set.zip") -> list[IncomingFile]:
    """Return the files as one uploaded ZIP file."""
    data = make_zip(files)
    return [IncomingFile(name, lambda: data)]


def draft_of(services: Services, person: Person, files: dict[str, bytes], *, product: str = "") -> ImportDraft:
    """Return the draft of an uploaded ZIP file of these files."""
    return draft_from_files(services, person, as_zip(files), product=product)


def start(services: Services, person: Person, draft: ImportDraft, **asked: object) -> int:
    """Start a draft; return its job."""
    return start_import(services, person, draft.id, row_version=draft.row_version, **asked)  # type: ignore[arg-type]


def work(services: Services, *, finish: bool = True) -> object:
    """Claim the next job and work it off, as a worker's child does; return the error that ended it."""
    claim = claims.claim_next(services, "test")
    assert claim is not None
    error = working.work_off(services, claim, wait=lambda _seconds: None)
    if finish:
        claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return error
