"""Which images and labels of a dataset version a configuration learns from, and what speaks against them.

The form, the dry step and the worker ask here: what is said before a run is what the run then does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlmodel import select

from core.datasets.reading import load_dataset
from core.errors import BadInput, NotReady
from core.jobs.notices import Notice
from core.training.configuration.nearest import show_value
from core.transactions import HasDatabase, reading
from inference.vision.learning.recipes.contract import GOOD
from storage.tables import DefectType

if TYPE_CHECKING:
    from core.datasets.records import Dataset, FrozenImage
    from core.training.configuration.records import DataSection

# Why a label is not learned: nobody asked for it, or it has too few training images.
NOT_ASKED, TOO_FEW = "run_label_not_asked", "run_label_too_few"
_FEWEST_LABELS = 2
# With fewer training images a class is hardly learned.
_FEW = 10
# Fewer test parts than this say little.
_FEWEST_TEST = 10
_MOST_NAMED, _MOST_CHOICES = 8, 40


@dataclass(frozen=True)
class LeftOut:
    """A label that is not learned, with how many images of it there are in `train`, and the code of the reason."""

    label: str
    images: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"label": self.label, "images": self.images, "reason": self.reason}


@dataclass(frozen=True)
class ChosenImages:
    """The images that are learned from and measured on, in the order of their numbers, and the labels learned.

    `labels` are in alphabetical order, `good` those of good parts among them. `counts` are training images by learned
    label; where places are learned, those of defects with a mask. `absent_domains` have a weight, but no image is of
    them; `unmarked` of the `n_defects` training images of defects have no mask (both 0 for classification).
    """

    images: tuple[FrozenImage, ...] = field(repr=False)
    labels: tuple[str, ...]
    good: frozenset[str]
    counts: Mapping[str, int]
    left_out: tuple[LeftOut, ...] = ()
    absent_domains: tuple[str, ...] = ()
    unmarked: int = 0
    n_defects: int = 0

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what speaks against the training without forbidding it."""
        return tuple(_speak(self))


def choose_images(services: HasDatabase, dataset_id: int, view: str, data: DataSection, *, task: str) -> ChosenImages:
    """Return what is learned from: the images of one view, of the labels that are asked for and have enough images.

    For classification images of other labels are left out of every split. Where places are learned (segmentation,
    detection) an image counts where it is marked, and images of good parts always stay: they show nothing. Raises
    NotFound dataset_unknown; BadInput config_label_unknown; NotReady config_view_without_images, config_one_class,
    config_without_marks, config_without_val.
    """
    dataset = load_dataset(services, dataset_id)
    shown = dataset.of(view=view)
    if not shown:
        raise NotReady("config_view_without_images", number=dataset.head.number, view=view or "–")
    _check_labels(dataset, shown, data)
    good = _read_good(services, dataset.head.product_id)
    by_place = task != "classification"
    drawn = [one for one in shown if one.split != "train" or weigh(data, one.domain, "train")]
    counts = Counter(one.label for one in drawn if one.split == "train" and (not by_place or _teaches(one)))
    present = sorted({one.label for one in drawn})
    left_out = _leave_out(present, counts, good if by_place else frozenset(), data)
    dropped = {one.label for one in left_out}
    labels = tuple(label for label in present if label not in dropped)
    learned = {label: counts[label] for label in labels if not by_place or label not in good}
    if by_place and not learned:
        raise NotReady("config_without_marks", lowest=data.least_images)
    if not by_place and len(learned) < _FEWEST_LABELS:
        raise NotReady("config_one_class", lowest=data.least_images, found=_list_counts(counts, data.labels) or "–")
    images = tuple(one for one in drawn if one.label not in dropped)
    if all(one.split != "val" for one in images):
        raise NotReady("config_without_val")
    absent = tuple(sorted(set(data.domains) - {one.domain for one in shown}))
    asked = [one for one in drawn if one.split == "train" and (not data.labels or one.label in data.labels)]
    defects = [one for one in asked if one.is_defect] if by_place else []
    unmarked = sum(1 for one in defects if not one.mask_sha256)
    return ChosenImages(images, labels, good & set(labels), learned, left_out, absent, unmarked, len(defects))


def weigh(data: DataSection, domain: str, split: str) -> float:
    """Return how often an image of this domain is drawn beside the others: its domain's weight in training, else 1."""
    return float(data.domains.get(domain, 1.0)) if split == "train" else 1.0


def _check_labels(dataset: Dataset, shown: Sequence[FrozenImage], data: DataSection) -> None:
    known = sorted({one.label for one in shown})
    for label in data.labels:
        if label not in known:
            raise BadInput(
                "config_label_unknown",
                at="",
                field="data.labels",
                value=show_value(label),
                number=dataset.head.number,
                choices=", ".join(known[:_MOST_CHOICES]),
            )


def _read_good(services: HasDatabase, product_id: int) -> frozenset[str]:
    """Return the labels of good parts: kinds of them, and `good` where no type is called so."""
    with reading(services) as session:
        types = session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
        outcomes = {row.code: row.outcome for row in types}
    return frozenset(label for label, outcome in ({GOOD: "good"} | outcomes).items() if outcome == "good")


def _teaches(image: FrozenImage) -> bool:
    """Return whether an image says where its label lies: a good one has nothing to mark."""
    return not image.is_defect or bool(image.mask_sha256)


def _leave_out(
    labels: Sequence[str], counts: Mapping[str, int], always: frozenset[str], data: DataSection
) -> tuple[LeftOut, ...]:
    found = []
    for label in labels:
        if label in always:
            continue
        if data.labels and label not in data.labels:
            found.append(LeftOut(label, counts[label], NOT_ASKED))
        elif counts[label] < data.least_images:
            found.append(LeftOut(label, counts[label], TOO_FEW))
    return tuple(found)


def _speak(chosen: ChosenImages) -> list[Notice]:
    found = []
    too_few = {one.label: one.images for one in chosen.left_out if one.reason == TOO_FEW}
    if too_few:
        found.append(Notice("config_warns_left_out", {"classes": _list_counts(too_few)}))
    few = {label: count for label, count in chosen.counts.items() if count < _FEW}
    if few:
        found.append(Notice("config_warns_few", {"classes": _list_counts(few), "lowest": _FEW}))
    if chosen.absent_domains:
        found.append(Notice("config_warns_no_domain", {"domains": ", ".join(chosen.absent_domains)}))
    test = [one for one in chosen.images if one.split == "test"]
    parts = {one.part for one in test}
    untested = sorted(set(chosen.labels) - {one.label for one in test})
    if not test:
        found.append(Notice("config_warns_no_test"))
    elif untested:
        found.append(Notice("config_warns_untested", {"labels": ", ".join(untested)}))
    if 0 < len(parts) < _FEWEST_TEST:
        found.append(Notice("config_warns_small_test", {"count": len(parts)}))
    if chosen.unmarked:
        found.append(Notice("config_warns_unmarked", {"count": chosen.unmarked, "total": chosen.n_defects}))
    return found


def _list_counts(counts: Mapping[str, int], wanted: Sequence[str] = ()) -> str:
    """Return `burr (1), pin (3)` of the wanted (all without any), the smallest first; of many the first few."""
    ordered = sorted((count, label) for label, count in counts.items() if not wanted or label in wanted)
    written = ", ".join(f"{label} ({count})" for count, label in ordered[:_MOST_NAMED])
    return f"{written}, …" if len(ordered) > _MOST_NAMED else written
