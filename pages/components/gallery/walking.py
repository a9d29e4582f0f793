"""Walking from image to image: through all that the gallery's filter finds, on whichever page, or through a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from core.images.gallery.search import Asked, FoundImages, find_beside, locate_image
from pages.components.shared.session import services


class Walk(Protocol):
    """Where somebody is: at the image `image_id`, `place` others (of `total`) before it."""

    @property
    def image_id(self) -> int:
        """Return the image that is looked at."""

    @property
    def place(self) -> int:
        """Return how many come before it."""

    @property
    def total(self) -> int:
        """Return how many there are."""

    def step(self, by: int) -> Walk:
        """Return the walk one image on (1) or back (-1); the same where there is none. Raises Unavailable."""

    def after_change(self) -> Walk | None:
        """Return the walk at the next image once this one was changed; None where it was the last one."""


@dataclass(frozen=True)
class ListWalk:
    """A walk through these images, one or more."""

    ids: Sequence[int]
    place: int

    @property
    def image_id(self) -> int:
        """Return the image that is looked at."""
        return self.ids[self.place]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return len(self.ids)

    def step(self, by: int) -> Walk:
        """Return the walk one image on (1) or back (-1); the same where there is none."""
        return replace(self, place=min(max(0, self.place + by), self.total - 1))

    def after_change(self) -> Walk | None:
        """Return the walk at the next image; None where this was the last one."""
        return self.step(1) if self.place + 1 < self.total else None


@dataclass(frozen=True)
class GalleryWalk:
    """Where somebody is in what was found: at the image `image_id`, `place` others (of `total`) before it."""

    asked: Asked
    found: FoundImages
    image_id: int
    place: int
    total: int

    def step(self, by: int) -> Walk:
        """Return the walk one image on (1) or back (-1); the same where there is none. Raises Unavailable."""
        beside = find_beside(services(), self.asked, self.found, self.image_id, by)
        if beside is None:
            return self
        place = min(max(0, self.place + by), self.total - 1)
        return replace(self, image_id=beside, place=place)

    def after_change(self) -> Walk | None:
        """Return the walk at the next image once this one was changed, counted anew; None where it was the last one."""
        beside = find_beside(services(), self.asked, self.found, self.image_id, 1)
        if beside is None:
            return None
        place, total = locate_image(services(), self.asked, self.found, beside)
        return replace(self, image_id=beside, place=place, total=total)
