"""Embeddings stored by what they were made of: the image's hash, the place in it, and the model with its weights.

They lie in the database, so that a deployment on another machine finds them, too. An entry that is not what was written
is as good as none: it is computed again and replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, delete, tuple_
from sqlmodel import col, select

from core.transactions import HasDatabase, reading, writing
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.tables import Image, Inspection, StoredEmbedding

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHOLE = ""
# Of one statement: SQLite takes 32,766 values, the other databases' packets hold far more than these.
_AT_ONCE = 500

Box = tuple[int, int, int, int]
# The image's hash and the place in it.
Content = tuple[str, str]


def place_of(box: Box | None) -> str:
    """Return the name of a place: of a box (x, y, w, h) in pixels, or of the whole image."""
    return WHOLE if box is None else ",".join(str(number) for number in box)


def find_vectors(
    services: HasDatabase, maker: str, wanted: Sequence[Content], *, dimension: int
) -> dict[Content, NDArray[np.float32]]:
    """Return the stored vectors (dimension,) of these contents, without what is damaged or was never stored."""
    asked = set(wanted)
    found: dict[Content, NDArray[np.float32]] = {}
    hashes = sorted({sha256 for sha256, _ in asked})
    with reading(services) as session:
        for start in range(0, len(hashes), _AT_ONCE):
            rows = session.exec(
                select(
                    StoredEmbedding.content_sha256,
                    StoredEmbedding.place,
                    StoredEmbedding.numbers,
                    StoredEmbedding.checksum,
                ).where(
                    StoredEmbedding.maker == maker,
                    col(StoredEmbedding.content_sha256).in_(hashes[start : start + _AT_ONCE]),
                )
            ).all()
            for sha256, place, numbers, checksum in rows:
                content = (sha256, place)
                if content not in asked or checksum != _checksum(maker, content, numbers):
                    continue
                vector = np.frombuffer(numbers, dtype="<f4")
                if vector.shape == (dimension,) and np.isfinite(vector).all():
                    found[content] = vector
    return found


def store_vectors(services: HasDatabase, maker: str, vectors: Mapping[Content, NDArray[np.float32]]) -> None:
    """Store vectors, in the place of those of the same contents before."""
    items = list(vectors.items())
    for start in range(0, len(items), _AT_ONCE):
        part = items[start : start + _AT_ONCE]
        with writing(services) as session:
            same: ColumnElement[bool] = tuple_(col(StoredEmbedding.content_sha256), col(StoredEmbedding.place)).in_(
                [content for content, _ in part]
            )
            session.execute(delete(StoredEmbedding).where(col(StoredEmbedding.maker) == maker, same))
            for content, vector in part:
                numbers = np.ascontiguousarray(vector, dtype="<f4").tobytes()
                session.add(
                    StoredEmbedding(
                        content_sha256=content[0],
                        maker=maker,
                        place=content[1],
                        numbers=numbers,
                        checksum=_checksum(maker, content, numbers),
                    )
                )
            session.commit()


def name_maker(name: str, bit_depth: Reading) -> str:
    """Return the name under which the work of a model is stored: other pixels of one file are other work."""
    return name if bit_depth == BY_IMAGE else f"{name}:{bit_depth}bit"


def find_boxes(services: HasDatabase, finder: str, hashes: Iterable[str]) -> dict[str, Box]:
    """Return the defective places that `finder` (a memory bank's hash) found in images before, by image hash."""
    stored = find_vectors(services, _box_maker(finder), [(sha256, WHOLE) for sha256 in hashes], dimension=4)
    boxes: dict[str, Box] = {}
    for (sha256, _), numbers in stored.items():
        x, y, w, h = (int(number) for number in numbers)
        boxes[sha256] = (x, y, w, h)
    return boxes


def store_boxes(services: HasDatabase, finder: str, boxes: Mapping[str, Box]) -> None:
    """Store the defective places that `finder` found. Pixels are whole numbers: float32 holds them up to 16 million."""
    numbers = {(sha256, WHOLE): np.asarray(box, dtype=np.float32) for sha256, box in boxes.items()}
    store_vectors(services, _box_maker(finder), numbers)


def delete_unused(services: HasDatabase) -> int:
    """Delete what is stored of images and inspections that are gone; return how many entries."""
    with writing(services) as session:
        gone = delete(StoredEmbedding).where(
            col(StoredEmbedding.content_sha256).not_in(select(Image.content_sha256)),
            col(StoredEmbedding.content_sha256).not_in(select(Inspection.image_sha256)),
        )
        count = int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
        session.commit()
    return count


def _box_maker(finder: str) -> str:
    return f"places:{finder}"


def _checksum(maker: str, content: Content, numbers: bytes) -> str:
    return hashlib.sha256("\n".join((maker, *content)).encode() + numbers).hexdigest()
