"""Collects what could not be used of annotation files: each kind once an image, and not without end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.images.annotations.records import MOST_PROBLEMS_OF_A_FILE, AnnotationError, AnnotationProblem


class Report:
    """The problems of one annotation file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: dict[tuple[str, str], AnnotationProblem] = {}
        self._more = 0

    def add(self, code: str, *, image: str = "", **params: Any) -> None:
        """Note a problem; the same one with the same image counts once."""
        if (code, image) in self._seen:
            return
        if len(self._seen) >= MOST_PROBLEMS_OF_A_FILE:
            self._more += 1
            return
        about = {"name": self.path, **({"image": image} if image else {}), **params}
        self._seen[code, image] = AnnotationProblem(self.path, code, about)

    def add_error(self, error: AnnotationError, *, image: str = "") -> None:
        """Note what a reader refused."""
        self.add(error.code, image=image, **error.params)

    def problems(self) -> Iterator[AnnotationProblem]:
        """Yield what was noted, and last how much more there was."""
        yield from self._seen.values()
        if self._more:
            yield AnnotationProblem(self.path, "annotation_more_problems", {"name": self.path, "count": self._more})
