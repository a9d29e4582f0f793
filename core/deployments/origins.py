"""Where the images of the next build come from: how many of the new ones were inspected parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from core.catalog.views import built_views
from core.images.training import of_view
from core.jobs.progress import JobRun
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.sources import read_sources
from core.registry.versions import PARTS, active_version
from storage.tables import Image, ModelVersion


@dataclass(frozen=True)
class NewImages:
    """The training images that the version in use has not seen: how many, and how many of them inspections gave."""

    count: int = 0
    from_inspections: int = 0

    def __add__(self, other: NewImages) -> NewImages:
        return NewImages(self.count + other.count, self.from_inspections + other.from_inspections)


def count_new(origins: Mapping[int, int | None], before: Iterable[ModelVersion]) -> NewImages:
    """Return how many of the images none of these versions has seen; `origins` gives the inspection of each image."""
    known: set[int] = set()
    for version in before:
        known |= read_sources(version.kind, version.sources).image_ids
    new = [origin for image_id, origin in origins.items() if image_id not in known]
    return NewImages(len(new), sum(origin is not None for origin in new))


def count_new_of(session: Session, kind: str, product_id: int) -> NewImages:
    """Return how many of a product's training images the versions in use have not seen; none for manuals."""
    if kind not in {MEMORY_BANK, SIMILARITY_INDEX}:
        return NewImages()
    found = NewImages()
    for view in built_views(session, product_id):
        query = select(Image.id, Image.inspection_id).where(
            Image.product_id == product_id, Image.split == "train", *of_view(view)
        )
        versions = (active_version(session, kind, product_id, part, view) for part in PARTS[kind])
        before = [version for version in versions if version is not None]
        found += count_new(dict(session.exec(query).all()), before)
    return found


def log_origins(run: JobRun, product_code: str, rows: Sequence[Image], before: ModelVersion | None) -> None:
    """Say in the job's log how many of its new images inspections gave; nothing where none did."""
    new = count_new({row.id: row.inspection_id for row in rows}, [] if before is None else [before])
    if new.from_inspections:
        run.log("log_from_inspections", product=product_code, count=new.from_inspections, n_new=new.count)
