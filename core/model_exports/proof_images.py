"""The images by which an export is proved: of validation first, each label in its turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

from core.errors import AppError
from core.methods.training_sets import read_training_set
from inference.errors import ImageError
from inference.vision.learning.export.vectors import COUNT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.methods.records import Sample
    from core.model_exports.sources import NetworkSource
    from core.services import Services

# Beside the vectors; a slow network is proved on fewer.
MOST_IMAGES = 64


class ProofImages:
    """The images of the dataset version that a network was trained on, loaded as they are wanted."""

    def __init__(self, services: Services, source: NetworkSource) -> None:
        samples: Sequence[Sample] = ()
        if source.run is not None:
            try:
                samples = read_training_set(services, source.run.dataset_version_id, source.run.view).samples
            except AppError:
                samples = ()  # what is gone proves nothing; the export says so
        self._images = _load(_order(samples))

    def take_first(self) -> list[NDArray[np.uint8]]:
        """Return the first eight that can be read, RGB uint8 H×W×3; fewer where there are no more."""
        return list(islice(self._images, COUNT))

    def take_more(self) -> Iterator[NDArray[np.uint8]]:
        """Return those that follow, up to `MOST_IMAGES`, loaded as they are taken."""
        return islice(self._images, MOST_IMAGES)


def _order(samples: Sequence[Sample]) -> Iterator[Sample]:
    """Yield samples of val, test and train, within each split one of every label in turn."""
    for split in ("val", "test", "train"):
        by_label: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.split == split:
                by_label.setdefault(sample.label, []).append(sample)
        rows = zip_longest(*(by_label[label] for label in sorted(by_label)))
        yield from (sample for sample in chain.from_iterable(rows) if sample is not None)


def _load(samples: Iterator[Sample]) -> Iterator[NDArray[np.uint8]]:
    for sample in samples:
        try:
            yield sample.load()
        except ImageError:
            continue  # another one will do
