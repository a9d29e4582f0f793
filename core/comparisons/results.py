"""What came of a comparison: figures with intervals, tables, curves, and differences between methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.comparisons.bills import TokenBill
from core.jobs.stored_error import StoredError
from storage.json_fields import read_float, read_int, read_object, read_objects, read_text, read_texts

# What two runs of one comparison may differ in: all else is the same to the last digit.
TIMES = ("ms_p50", "ms_p95")
FORMAT = 1


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval by parts; the bounds are None where it cannot be told."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Verdicts:
    """How many good and defective ones were called what; `silent` are those without an answer."""

    good_passed: int = 0
    good_stopped: int = 0
    good_silent: int = 0
    defect_stopped: int = 0
    defect_passed: int = 0
    defect_silent: int = 0


@dataclass(frozen=True)
class Types:
    """How often each true type (row) was called which (column); the last column, empty, is no answer."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Curve:
    """A curve, thin enough to draw."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class ViewAlone:
    """A view of a combination by itself, on the same parts: its AUROC, and how much more the combination has."""

    auroc: Figure
    gain: Figure


@dataclass(frozen=True)
class EntryResult:
    """What came of one entry: a method on a view, or a combination (`members` by view).

    `n` test images (parts of a combination) of `n_parts` parts, `errors` of them without an answer. `figures` are by
    the names of `inference.vision.comparison.measures.FIGURES`. `error` is the first reason where something failed.
    `byte_size` is that of the trained model, None for one that was not trained here. `map_level` is from which value on
    a map shows a defect, by validation; None without maps. `bill` is what the `n_billed` images (parts) of validation
    and test cost that were asked about at a server; None for a method that computes here.
    """

    key: str
    name: str
    view: str
    method: str
    n: int
    n_parts: int
    errors: int
    members: Mapping[str, str] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    threshold: float | None = None
    threshold_method: str = ""
    map_level: float | None = None
    verdicts: Verdicts = field(default_factory=Verdicts)
    types: Types | None = None
    roc: Curve | None = None
    precision_recall: Curve | None = None
    alone: Mapping[str, ViewAlone] = field(default_factory=dict)
    ms_p50: float | None = None
    ms_p95: float | None = None
    byte_size: int | None = None
    bill: TokenBill | None = None
    n_billed: int = 0
    error: StoredError | None = None

    @property
    def is_combination(self) -> bool:
        """Return whether it combines views of a part."""
        return bool(self.members)

    @property
    def price_per_1000_usd(self) -> float | None:
        """Return what 1000 images (parts of a combination) cost, in dollars: 0 for what is computed here.

        None where the price of the model is not known, or nothing was asked.
        """
        if self.bill is None:
            return 0.0
        if self.bill.cost_usd is None or not self.n_billed:
            return None
        return 1000.0 * self.bill.cost_usd / self.n_billed

    def value(self, name: str) -> float | None:
        """Return a figure's value, None where there is none."""
        found = self.figures.get(name)
        return None if found is None else found.value

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads: a value and an interval for each figure."""
        return {
            "name": self.name,
            "view": self.view,
            "method": self.method,
            "n": self.n,
            "n_parts": self.n_parts,
            "errors": self.errors,
            **{name: one.value for name, one in self.figures.items()},
            "interval": {name: [one.low, one.high] for name, one in self.figures.items()},
            "threshold": self.threshold,
            "threshold_method": self.threshold_method,
            "map_level": self.map_level,
            "verdicts": vars(self.verdicts).copy(),
            "types": None if self.types is None else _types_to_json(self.types),
            "curves": {
                name: {"x": list(curve.x), "y": list(curve.y)}
                for name, curve in (("roc", self.roc), ("precision_recall", self.precision_recall))
                if curve is not None
            },
            "members": dict(self.members),
            "rule": dict(self.rule),
            "alone": {
                view: {"auroc": vars(one.auroc).copy(), "gain": vars(one.gain).copy()}
                for view, one in self.alone.items()
            },
            "ms_p50": self.ms_p50,
            "ms_p95": self.ms_p95,
            "bytes": self.byte_size,
            "price_per_1000_usd": self.price_per_1000_usd,
            "bill": None if self.bill is None else {**self.bill.to_json(), "images": self.n_billed},
            "error": None if self.error is None else {"code": self.error.code, "params": dict(self.error.params)},
        }

    @classmethod
    def from_json(cls, key: str, value: object) -> EntryResult:
        """Return the result of an entry in the stored result."""
        data = read_object(value)
        intervals, curves = read_object(data.get("interval")), read_object(data.get("curves"))
        verdicts, error = read_object(data.get("verdicts")), read_object(data.get("error"))
        return cls(
            key=key,
            name=read_text(data.get("name")) or key,
            view=read_text(data.get("view")) or "",
            method=read_text(data.get("method")) or "",
            n=read_int(data.get("n")) or 0,
            n_parts=read_int(data.get("n_parts")) or 0,
            errors=read_int(data.get("errors")) or 0,
            members=read_object(data.get("members")),
            rule=read_object(data.get("rule")),
            figures={
                name: Figure(found, *_bounds(bounds))
                for name, bounds in intervals.items()
                if (found := read_float(data.get(name))) is not None
            },
            threshold=read_float(data.get("threshold")),
            threshold_method=read_text(data.get("threshold_method")) or "",
            map_level=read_float(data.get("map_level")),
            verdicts=Verdicts(**{name: read_int(verdicts.get(name)) or 0 for name in vars(Verdicts())}),
            types=_read_types(data.get("types")),
            roc=_read_curve(curves.get("roc")),
            precision_recall=_read_curve(curves.get("precision_recall")),
            alone={
                view: ViewAlone(_read_figure(one, "auroc"), _read_figure(one, "gain"))
                for view, found in read_object(data.get("alone")).items()
                for one in [read_object(found)]
            },
            ms_p50=read_float(data.get("ms_p50")),
            ms_p95=read_float(data.get("ms_p95")),
            byte_size=read_int(data.get("bytes")),
            bill=TokenBill.from_json(data.get("bill")),
            n_billed=read_int(read_object(data.get("bill")).get("images")) or 0,
            error=StoredError.from_json(error.get("code"), error.get("params")),
        )


@dataclass(frozen=True)
class DifferenceResult:
    """A figure of one entry minus that of another on the same images; `is_shown` where the interval leaves out 0."""

    one: str
    other: str
    figure: str
    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Return whether a difference is shown."""
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {**vars(self), "shown": self.is_shown}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DifferenceResult:
        """Return the difference in the stored result."""
        return cls(
            read_text(data.get("one")) or "",
            read_text(data.get("other")) or "",
            read_text(data.get("figure")) or "",
            *(read_float(data.get(name)) or 0.0 for name in ("value", "low", "high")),
        )


@dataclass(frozen=True)
class ComparisonResult:
    """The whole result. `dataset` says which version: its number and hash; `good_labels` are those of good parts."""

    product: str
    dataset_number: int
    dataset_hash: str
    name: str
    seed: int
    good_labels: tuple[str, ...]
    entries: tuple[EntryResult, ...]
    differences: tuple[DifferenceResult, ...] = ()

    def find(self, key: str) -> EntryResult | None:
        """Return the result of an entry; None where there is none."""
        return next((one for one in self.entries if one.key == key), None)

    def without_curves(self) -> ComparisonResult:
        """Return the result without its curves, as the row keeps it."""
        return replace(self, entries=tuple(replace(one, roc=None, precision_recall=None) for one in self.entries))

    def without_times(self) -> ComparisonResult:
        """Return what is the same in every run: all but how long the methods took."""
        return replace(self, entries=tuple(replace(one, ms_p50=None, ms_p95=None) for one in self.entries))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads: that of `compare --json`."""
        return {
            "format": FORMAT,
            "product": self.product,
            "dataset_version": {"number": self.dataset_number, "hash": self.dataset_hash},
            "name": self.name,
            "seed": self.seed,
            "good_labels": list(self.good_labels),
            "methods": {one.key: one.to_json() for one in self.entries},
            "differences": [one.to_json() for one in self.differences],
        }

    @classmethod
    def from_json(cls, value: object) -> ComparisonResult | None:
        """Return the stored result; None for an empty one."""
        data = read_object(value)
        if not data:
            return None
        version = read_object(data.get("dataset_version"))
        return cls(
            product=read_text(data.get("product")) or "",
            dataset_number=read_int(version.get("number")) or 0,
            dataset_hash=read_text(version.get("hash")) or "",
            name=read_text(data.get("name")) or "",
            seed=read_int(data.get("seed")) or 0,
            good_labels=read_texts(data.get("good_labels")),
            entries=tuple(EntryResult.from_json(key, found) for key, found in read_object(data.get("methods")).items()),
            differences=tuple(DifferenceResult.from_json(one) for one in read_objects(data.get("differences"))),
        )


def _bounds(value: object) -> tuple[float | None, float | None]:
    pair = value if isinstance(value, list | tuple) and len(value) == 2 else (None, None)
    return read_float(pair[0]), read_float(pair[1])


def _read_figure(data: Mapping[str, Any], name: str) -> Figure:
    found = read_object(data.get(name))
    return Figure(read_float(found.get("value")) or 0.0, read_float(found.get("low")), read_float(found.get("high")))


def _read_curve(value: object) -> Curve | None:
    data = read_object(value)
    x, y = data.get("x"), data.get("y")
    if not isinstance(x, list) or not isinstance(y, list):
        return None
    return Curve(tuple(float(one) for one in x), tuple(float(one) for one in y))


def _types_to_json(types: Types) -> dict[str, Any]:
    return {
        "labels": list(types.labels),
        "columns": list(types.columns),
        "counts": [list(row) for row in types.counts],
    }


def _read_types(value: object) -> Types | None:
    data = read_object(value)
    counts = data.get("counts")
    if not isinstance(counts, list):
        return None
    rows = tuple(tuple(int(one) for one in row) for row in counts)
    return Types(read_texts(data.get("labels")), read_texts(data.get("columns")), rows)
