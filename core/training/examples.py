"""From a dataset version to what a recipe learns from: examples with labels, domains, weights, marks and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.errors import BadInput
from core.methods.records import Sample, TrainingSet
from core.methods.training_sets import list_training_views, read_training_set
from core.transactions import reading
from inference.vision.learning.recipes.contract import Example, ExampleSet, LabeledBox
from storage.tables import DatasetVersionImage, DefectType, ImageBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from core.training.configuration.records import DataSection

_AT_ONCE = 400
# Why a label is not learned: nobody asked for it, or it has too few training images.
NOT_ASKED, TOO_FEW = "run_label_not_asked", "run_label_too_few"
FEWEST_LABELS = 2


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
class TrainingExamples:
    """The examples of a training; `samples` are the images that they were made of, by key; `left_out` what is not.

    `absent_domains` have a weight, but no image is of them.
    """

    examples: ExampleSet
    training: TrainingSet
    samples: Mapping[str, Sample]
    left_out: tuple[LeftOut, ...]
    absent_domains: tuple[str, ...] = ()

    def count(self) -> dict[str, int]:
        """Return how many images each split has."""
        found = Counter(example.split for example in self.examples.examples)
        return {split: found[split] for split in ("train", "val", "test")}


def read_examples(services: Services, dataset_version_id: int, data: DataSection, *, task: str) -> TrainingExamples:
    """Return what is learned from: the images of one view, of the labels that are asked for and have enough images.

    For classification `labels` are those learned, in alphabetical order; images of others are left out of every split.
    Where places are learned (segmentation, detection), images of good parts always stay: they show nothing. Raises
    NotFound(`dataset_version_unknown`), BadInput(`run_view_unknown`, `run_label_unknown`, `run_too_few_labels`,
    `run_without_defects`, `run_without_train`, `run_without_val`, `run_without_marks`), and NotReady for preprocessing
    that this version does not know.
    """
    views = list_training_views(services, dataset_version_id)
    if data.view not in views:
        raise BadInput("run_view_unknown", view=data.view or "-", views=", ".join(view or "-" for view in views) or "-")
    training = read_training_set(services, dataset_version_id, data.view)
    rows = _read_rows(services, dataset_version_id, data.view)
    domains = {row.image_id: row.domain for row in rows}
    drawn = [one for one in training.samples if one.split != "train" or _weigh(data, domains[one.image_id], "train")]
    good = frozenset(words.label for words in training.labels if words.is_good)
    left_out = _leave_out(drawn, good, data, by_place=task != "classification")
    dropped = {one.label for one in left_out}
    kept = [one for one in drawn if one.label not in dropped]
    present = {one.label for one in kept}
    labels = tuple(label.label for label in training.labels if label.label in present)
    _check(kept, labels, good, {row.image_id for row in rows if row.mask_sha256}, task=task)
    boxes = (
        _BoxReader(services, training.product_id, [one.image_id for one in kept]) if task != "classification" else None
    )
    examples = tuple(
        Example(
            key=one.key,
            label=one.label,
            is_defect=one.is_defect,
            part=one.part,
            split=one.split,
            domain=domains[one.image_id],
            content_sha256=one.content_sha256,
            load=one.load,
            load_marks=partial(load_marks, one, frozenset(labels)),
            load_boxes=_no_boxes if boxes is None else partial(boxes.load, one, frozenset(labels)),
            weight=_weigh(data, domains[one.image_id], one.split),
        )
        for one in kept
    )
    return TrainingExamples(
        ExampleSet(labels, good & set(labels), training.preprocessing, training.modality, examples),
        training,
        {one.key: one for one in kept},
        left_out,
        tuple(sorted(set(data.domains) - set(domains.values()))),
    )


def load_marks(sample: Sample, labels: frozenset[str]) -> Mapping[str, NDArray[np.bool_]]:
    """Return where each of these labels lies in an image, bool H×W by label; empty where nobody marked it.

    Raises ImageError.
    """
    marks = dict(sample.load_marks())
    if not marks and sample.is_defect:
        mask = sample.load_mask()
        marks = {} if mask is None else {sample.label: mask}
    return {label: mask for label, mask in marks.items() if label in labels}


def _no_boxes() -> tuple[LabeledBox, ...]:
    return ()


class _BoxReader:
    """Boxes that people drew or imported, read once; of an image without any, those around the parts of its mask."""

    def __init__(self, services: Services, product_id: int, image_ids: Sequence[int]) -> None:
        self._boxes: dict[int, list[tuple[int | None, tuple[float, float, float, float]]]] = {}
        with reading(services) as session:
            types = session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
            self._codes = {one.id: one.code for one in types}
            for start in range(0, len(image_ids), _AT_ONCE):
                query = (
                    select(ImageBox)
                    .where(col(ImageBox.image_id).in_(list(image_ids[start : start + _AT_ONCE])))
                    .order_by(col(ImageBox.id))
                )
                for row in session.exec(query).all():
                    bounds = (row.x, row.y, row.width, row.height)
                    self._boxes.setdefault(row.image_id, []).append((row.defect_type_id, bounds))

    def load(self, sample: Sample, labels: frozenset[str]) -> tuple[LabeledBox, ...]:
        """Return the boxes of an image with the codes of their types, in its pixels. Raises ImageError."""
        drawn = self._boxes.get(sample.image_id)
        if drawn is not None:
            named = [(self._codes.get(number or 0, sample.label), bounds) for number, bounds in drawn]
        else:
            from inference.vision.comparison.overlaps import find_boxes

            named = [(label, box) for label, mask in load_marks(sample, labels).items() for box in find_boxes(mask)]
        return tuple(LabeledBox(*bounds, label) for label, bounds in named if label in labels)


def _read_rows(services: Services, dataset_version_id: int, view: str) -> list[DatasetVersionImage]:
    query = select(DatasetVersionImage).where(
        DatasetVersionImage.dataset_version_id == dataset_version_id, DatasetVersionImage.view == view
    )
    with reading(services) as session:
        return list(session.exec(query).all())


def _weigh(data: DataSection, domain: str, split: str) -> float:
    return float(data.domains.get(domain, 1.0)) if split == "train" else 1.0


def _leave_out(
    samples: Sequence[Sample], good: frozenset[str], data: DataSection, *, by_place: bool
) -> tuple[LeftOut, ...]:
    counts = Counter(one.label for one in samples if one.split == "train")
    labels = sorted({one.label for one in samples})
    unknown = sorted(set(data.labels) - set(labels))
    if unknown:
        raise BadInput("run_label_unknown", labels=", ".join(unknown), choices=", ".join(labels))
    found = []
    for label in labels:
        if by_place and label in good:
            continue
        if data.labels and label not in data.labels:
            found.append(LeftOut(label, counts[label], NOT_ASKED))
        elif counts[label] < data.least_images:
            found.append(LeftOut(label, counts[label], TOO_FEW))
    return tuple(found)


def _check(kept: Sequence[Sample], labels: Sequence[str], good: frozenset[str], marked: set[int], *, task: str) -> None:
    """Raise BadInput for what these images cannot teach."""
    if task == "classification" and len(labels) < FEWEST_LABELS:
        raise BadInput("run_too_few_labels", labels=", ".join(labels) or "-", fewest=FEWEST_LABELS)
    if task != "classification" and not set(labels) - good:
        raise BadInput("run_without_defects")
    splits = {one.split for one in kept}
    for split, wrong in (("train", "run_without_train"), ("val", "run_without_val")):
        if split not in splits:
            raise BadInput(wrong)
    taught = [one for one in kept if one.split == "train" and one.is_defect]
    if task != "classification" and not any(one.image_id in marked for one in taught):
        raise BadInput("run_without_marks")
