"""From a dataset version to what a recipe learns from: examples with labels, domains, weights, marks and boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.methods.records import Sample, TrainingSet
from core.methods.training_sets import read_training_set
from core.training.choosing import ChosenImages, choose_images, weigh
from core.transactions import reading
from inference.vision.learning.recipes.contract import Example, ExampleSet, LabeledBox
from storage.tables import DefectType, ImageBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from core.training.configuration.records import DataSection

_AT_ONCE = 400


@dataclass(frozen=True)
class TrainingExamples:
    """The examples of a training; `samples` are the images that they were made of, by key; `chosen` says why they."""

    examples: ExampleSet
    training: TrainingSet
    samples: Mapping[str, Sample]
    chosen: ChosenImages

    def count(self) -> dict[str, int]:
        """Return how many images each split has."""
        found = Counter(example.split for example in self.examples.examples)
        return {split: found[split] for split in ("train", "val", "test")}


def read_examples(services: Services, dataset_version_id: int, data: DataSection, *, task: str) -> TrainingExamples:
    """Return what is learned from, as `choose_images` chooses it in the view of `data`.

    Raises as that, and NotReady for preprocessing that this version does not know.
    """
    chosen = choose_images(services, dataset_version_id, data.view, data, task=task)
    training = read_training_set(services, dataset_version_id, data.view)
    domains = {one.image_id: one.domain for one in chosen.images}
    samples = [one for one in training.samples if one.image_id in domains]
    boxes = None if task == "classification" else _BoxReader(services, training.product_id, list(domains))
    labels = frozenset(chosen.labels)
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
            load_marks=partial(load_marks, one, labels),
            load_boxes=_no_boxes if boxes is None else partial(boxes.load, one, labels),
            weight=weigh(data, domains[one.image_id], one.split),
        )
        for one in samples
    )
    return TrainingExamples(
        ExampleSet(chosen.labels, chosen.good, training.preprocessing, training.modality, examples),
        training,
        {one.key: one for one in samples},
        chosen,
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
