"""The figures of a version of any kind, as its row holds them: what was measured, and how much it holds.

Rows of earlier versions of the program lack some fields; these have their defaults. What was not measured is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from core.models.detection_figures import BankFigures, read_measured
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from storage.json_fields import read_float, read_int, read_object

if TYPE_CHECKING:
    from inference.vision.search.closeness import Spread


@dataclass(frozen=True)
class RankingFigures:
    """How often the nearest image is of the right type, and mean average precision at 10, both from 0 to 1."""

    top1_type_accuracy: float | None = None
    map_at_10: float | None = None

    @classmethod
    def from_json(cls, value: object) -> RankingFigures:
        """Return the figures of one way of ranking."""
        data = read_object(value)
        return cls(read_float(data.get("top1_type_accuracy")), read_float(data.get("map_at_10")))

    def to_json(self) -> dict[str, float | None]:
        """Return the JSON object that `from_json` reads."""
        return {"top1_type_accuracy": self.top1_type_accuracy, "map_at_10": self.map_at_10}


@dataclass(frozen=True)
class RetrievalFigures:
    """How well test images find their type: as an inspection ranks, and by each view alone.

    `votes_top1` is how often the similar images vote for the right type first; None of versions from before.
    """

    used: RankingFigures = RankingFigures()
    whole: RankingFigures = RankingFigures()
    region: RankingFigures = RankingFigures()
    votes_top1: float | None = None

    @classmethod
    def from_json(cls, value: object) -> RetrievalFigures:
        """Return the retrieval figures in an index's metrics."""
        data = read_object(value)
        return cls(
            RankingFigures.from_json(data),
            RankingFigures.from_json(data.get("whole")),
            RankingFigures.from_json(data.get("region")),
            read_float(data.get("votes_top1")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        votes = {} if self.votes_top1 is None else {"votes_top1": self.votes_top1}
        return {**self.used.to_json(), "whole": self.whole.to_json(), "region": self.region.to_json(), **votes}


@dataclass(frozen=True)
class ClosenessFigures:
    """What a cosine similarity means in an index: of unrelated images, and of an image and the nearest of its kind.

    The first is below the second.
    """

    unrelated_at: float
    alike_at: float

    @classmethod
    def from_spread(cls, spread: Spread | None) -> ClosenessFigures | None:
        """Return the figures of what was measured; None where nothing could be."""
        return cls(spread.unrelated_at, spread.alike_at) if spread is not None else None

    @classmethod
    def from_json(cls, value: object) -> ClosenessFigures | None:
        """Return the figures of a JSON object; None for what is none, or no scale."""
        data = read_object(value)
        unrelated_at, alike_at = read_float(data.get("unrelated_at")), read_float(data.get("alike_at"))
        if unrelated_at is None or alike_at is None or not unrelated_at < alike_at:
            return None
        return cls(unrelated_at, alike_at)

    def to_json(self) -> dict[str, float]:
        """Return the JSON object that `from_json` reads."""
        return {"unrelated_at": self.unrelated_at, "alike_at": self.alike_at}


@dataclass(frozen=True)
class IndexFigures:
    """How much one part of a similarity index holds, and for defects how well it finds their type.

    `n_confirmed` inspections are among its examples, `n_computed` embeddings were new, of `dimension` numbers each.
    `suggestion` is what leave-one-out measured of the suggested types (`inference.vision.search.knn_vote.VoteRule`).
    `closeness` is None for too few images, and of versions from before it was measured.
    """

    n_images: int | None = None
    n_confirmed: int | None = None
    n_computed: int | None = None
    dimension: int | None = None
    retrieval: RetrievalFigures | None = None
    suggestion: Mapping[str, float | int | None] = field(default_factory=dict)
    closeness: ClosenessFigures | None = None

    def by_name(self) -> dict[str, float]:
        """Return the single figures that were measured."""
        ranking = self.retrieval.used.to_json() if self.retrieval is not None else {}
        return read_measured({"n_images": self.n_images, **ranking})

    @classmethod
    def from_json(cls, value: object) -> IndexFigures:
        """Return the metrics of an index's row."""
        data = read_object(value)
        retrieval = read_object(data.get("retrieval"))
        return cls(
            n_images=read_int(data.get("n_images")),
            n_confirmed=read_int(data.get("n_confirmed")),
            n_computed=read_int(data.get("n_computed")),
            dimension=read_int(data.get("dimension")),
            retrieval=RetrievalFigures.from_json(retrieval) if retrieval else None,
            suggestion={
                name: found
                for name, found in read_object(data.get("suggestion")).items()
                if isinstance(found, int | float | None)
            },
            closeness=ClosenessFigures.from_json(data.get("closeness")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "n_images": self.n_images,
            "n_confirmed": self.n_confirmed,
            "n_computed": self.n_computed,
            "dimension": self.dimension,
        }
        if self.retrieval is not None:
            values["retrieval"] = self.retrieval.to_json()
        if self.suggestion:
            values["suggestion"] = dict(self.suggestion)
        if self.closeness is not None:
            values["closeness"] = self.closeness.to_json()
        return values


@dataclass(frozen=True)
class ManualFigures:
    """How much a manual index holds."""

    n_manuals: int = 0
    n_pages: int = 0
    n_passages: int = 0

    def by_name(self) -> dict[str, float]:
        """Return no single figure: the three are told together."""
        return {}

    @classmethod
    def from_json(cls, value: object) -> ManualFigures:
        """Return the metrics of a manual index's row, or of a job's outcome."""
        data = read_object(value)
        return cls(*(read_int(data.get(one.name)) or 0 for one in fields(cls)))

    def to_json(self) -> dict[str, int]:
        """Return the JSON object that `from_json` reads."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


VersionFigures = BankFigures | IndexFigures | ManualFigures
_BY_KIND: dict[str, Callable[[object], VersionFigures]] = {
    MEMORY_BANK: BankFigures.from_json,
    SIMILARITY_INDEX: IndexFigures.from_json,
    MANUAL_INDEX: ManualFigures.from_json,
}


def read_figures(kind: str, value: object) -> VersionFigures:
    """Return the figures of a version of this kind. Raises KeyError for a kind that is none."""
    return _BY_KIND[kind](value)
