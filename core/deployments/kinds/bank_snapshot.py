"""What a memory bank is to be built from, as it was at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.deployments.kinds.bank_extension import Extension
from core.deployments.measuring import TestSet
from core.deployments.steps import Snapshot
from core.images.exposures.leaks import Leak
from core.registry.activation_policy import REVIEW_SHARE
from core.registry.choices import Choice
from storage.tables import Image

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class BankSnapshot(Snapshot):
    """The training images and settings of a product or of one view, and its test images.

    The thresholds are calibrated with `defects`; `unused_defects` are beyond what a calibration takes. `extension` is
    how the bank in use can be extended, if it can. `leaks` are the parts that have training and test images both,
    `defect_codes` the codes of the product's defect types by their numbers, `review_share` the share of good parts that
    thresholds without defects may send to a person.
    """

    normals: list[Image]
    defects: list[Image]
    unused_defects: list[Image]
    choice: Choice
    preprocessing: Preprocessing
    extension: Extension | None
    test: TestSet
    leaks: tuple[Leak, ...] = ()
    defect_codes: Mapping[int, str] = field(default_factory=dict)
    review_share: float = REVIEW_SHARE
