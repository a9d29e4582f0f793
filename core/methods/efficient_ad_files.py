"""What EfficientAD needs beside good images: its teacher's weights, and pictures that show nothing of the product.

Neither is ever fetched. In GEOMSA_WEIGHTS_DIR they lie as `efficientad_teacher.safetensors`, and as files in the folder
`efficientad_images`, named by their hashes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.registry.weight_files import scratch_beside_weights
from core.transactions import writing
from inference.errors import ImageError, ModelError
from inference.vision.learning.anomalib_models import teacher

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services
    from core.settings import Settings

TEACHER = teacher.NAME
IMAGES = "efficientad_images"
# So many pictures show enough of the world that the student does not learn it from them; ImageNette has 13,394.
FEWEST_IMAGES, MOST_IMAGES = 100, 20_000
# So many of them are trained with: each is shown once a step, and they are kept as PNG while the training runs.
MOST_SHOWN = 2_000
MOST_BYTES = 8 * 1024**3
_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class EfficientAdFile:
    """One of the two things, and where it is; `path` is None and the size 0 while it is not here."""

    name: str
    title: str
    licence: str
    source: str
    path: Path | None
    byte_size: int


def list_files(settings: Settings) -> tuple[EfficientAdFile, EfficientAdFile]:
    """Return the teacher's weights and the outside images with where they are."""
    weights, images = find_teacher(settings), list_outside_images(settings)
    return (
        EfficientAdFile(
            TEACHER,
            teacher.TITLE,
            teacher.LICENCE,
            teacher.SOURCE,
            weights,
            teacher.BYTE_SIZE if weights is None else weights.stat().st_size,
        ),
        EfficientAdFile(
            IMAGES,
            "Outside images of EfficientAD",
            "yours",
            "any everyday photographs, such as ImageNette",
            _place(settings) if images else None,
            sum(file.stat().st_size for file in images),
        ),
    )


def find_teacher(settings: Settings) -> Path | None:
    """Return the file with the teacher's weights, None while it is not here."""
    path = settings.weights_dir / f"{TEACHER}.safetensors"
    return path if path.is_file() else None


def list_outside_images(settings: Settings) -> list[Path]:
    """Return the files of the outside images, in order of their hashes; none while they are not here."""
    place = _place(settings)
    return sorted(file for file in place.iterdir() if file.is_file()) if place.is_dir() else []


def read_outside_images(settings: Settings, size_px: int, *, most: int = MOST_SHOWN) -> Iterator[NDArray[np.uint8]]:
    """Yield the first `most` outside images, RGB uint8 (size_px, size_px, 3): the middle quarter, as anomalib cuts.

    Those that cannot be read any more are left out.
    """
    from inference.vision.images.decode import decode
    from inference.vision.images.input_pixels import resize_pixels

    start = size_px // 2
    for file in list_outside_images(settings)[:most]:
        try:
            pixels = decode(file.read_bytes()).pixels
        except (ImageError, OSError):
            continue
        yield resize_pixels(pixels, height=2 * size_px, width=2 * size_px)[
            start : start + size_px, start : start + size_px
        ].copy()


def add_file(services: Services, person: Person, *, name: str, path: Path) -> Path:
    """Add the teacher's weights (a file) or the outside images (a folder); return where they are.

    The teacher comes as the archive that its authors publish, or as a safetensors file. Images replace those that are
    there: models that were trained with them do not need them. Raises NotAllowed, NotFound(`path_not_found`), BadInput
    (`teacher_archive_unknown`, `backbone_weights_format`, `backbone_weights_mismatch`, `weights_too_large`,
    `outside_images_few`, `outside_images_many`), Conflict(`weights_already_here`), Unavailable(`weights_folder_closed`,
    `disk_full`, …).
    """
    require_role(services, person, ENGINEER)
    if not (path.is_dir() if name == IMAGES else path.is_file()):
        raise NotFound("path_not_found", path=str(path))
    with scratch_beside_weights(services.settings) as scratch:
        if name == IMAGES:
            place, sha256 = _add_images(services.settings, path, scratch)
        else:
            place, sha256 = _add_teacher(services.settings, path, scratch)
    with writing(services) as session:
        record(session, person, "weights.add", "weights", None, name=name, origin=str(path)[:400], sha256=sha256)
        session.commit()
    return place


def _place(settings: Settings) -> Path:
    return settings.weights_dir / IMAGES


def _add_teacher(settings: Settings, file: Path, scratch: Path) -> tuple[Path, str]:
    arriving = scratch / f"{TEACHER}.safetensors"
    if file.stat().st_size > MOST_BYTES:
        raise BadInput("weights_too_large", name=file.name, limit_gb=MOST_BYTES // 1024**3)
    try:
        if file.suffix.lower() == ".zip":
            teacher.convert_archive(file, arriving)
        else:
            shutil.copyfile(file, arriving)
        teacher.check_teacher(arriving)
    except ModelError as error:
        if error.code == "backbone_weights_mismatch":
            raise BadInput(error.code, name=teacher.TITLE) from error
        raise BadInput("teacher_archive_unknown", name=file.name) from error
    sha256 = _hash(arriving)
    place = settings.weights_dir / arriving.name
    if place.exists():
        if _hash(place) == sha256:
            return place, sha256
        raise Conflict("weights_already_here", name=teacher.TITLE, path=str(place))
    with arriving.open("rb") as stream:
        os.fsync(stream.fileno())
    arriving.rename(place)
    return place, sha256


def _add_images(settings: Settings, folder: Path, scratch: Path) -> tuple[Path, str]:
    """Copy the images of a folder and its folders, each once; return where they are, and a hash of all."""
    from inference.vision.images.decode import decode

    arriving = scratch / IMAGES
    arriving.mkdir()
    whole, taken = hashlib.sha256(), 0
    inside = folder.resolve()
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in _ENDINGS or not file.is_file() or not file.resolve().is_relative_to(inside):
            continue
        content = file.read_bytes()
        try:
            decode(content, file_name=file.name)
        except ImageError:
            continue
        target = arriving / f"{hashlib.sha256(content).hexdigest()}{file.suffix.lower()}"
        if target.exists():
            continue
        taken += len(content)
        if taken > MOST_BYTES:
            raise BadInput("weights_too_large", name=folder.name, limit_gb=MOST_BYTES // 1024**3)
        target.write_bytes(content)
    found = sorted(arriving.iterdir())
    if len(found) < FEWEST_IMAGES:
        raise BadInput("outside_images_few", folder=folder.name, found=len(found), needed=FEWEST_IMAGES)
    if len(found) > MOST_IMAGES:
        raise BadInput("outside_images_many", folder=folder.name, found=len(found), limit=MOST_IMAGES)
    for file in found:
        whole.update(f"{file.name}\n".encode())
    place = _place(settings)
    if place.exists():
        place.rename(scratch / "before")
    arriving.rename(place)
    return place, whole.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
