"""Small pictures of a few images of each folder of a plan: a person sees sooner than reads what a folder holds."""

from __future__ import annotations

from core.errors import AppError
from core.images.imports.records import ImportPlan
from core.images.imports.sources import ImportSource
from inference.errors import ImageError
from inference.vision.images.decode import decode, thumbnail

SIDE_PX = 96
MOST_EXAMPLES = 180
# Larger files are not opened for the sake of a small picture.
_LARGEST_BYTES = 20_000_000


def make_examples(source: ImportSource, plan: ImportPlan) -> dict[str, bytes]:
    """Return JPEG pictures, no side longer than 96 px, by path; of what cannot be read there is none.

    Every folder and question gets its first picture before any gets its second.
    """
    groups = [question.examples for question in plan.questions] + [folder.examples for folder in plan.folders]
    longest = max((len(group) for group in groups), default=0)
    paths = [group[place] for place in range(longest) for group in groups if place < len(group)]
    made: dict[str, bytes] = {}
    for path in list(dict.fromkeys(paths))[:MOST_EXAMPLES]:
        if path not in source.files or source.sizes.get(path, 0) > _LARGEST_BYTES:
            continue
        try:
            made[path] = thumbnail(decode(source.files[path]()).pixels, SIDE_PX)
        except (ImageError, AppError, OSError, MemoryError):
            continue
    return made
