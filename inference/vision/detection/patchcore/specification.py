"""PatchCore as the rest of the program sees it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.build_cost import BuildCost
from inference.i18n import N_
from inference.vision.detection.detector import (
    ExtendableDetector,
    FindWeights,
    GraphDetector,
    ImageSource,
    LabeledSource,
    Progress,
    UnseenScores,
)
from inference.vision.detection.features.options import INPUT_SIZE
from inference.vision.detection.specification import DetectorSpec, OptionField, TaughtModel
from inference.vision.networks.specifications import find_backbone

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.vision.detection.input_choice import InputChoice
    from inference.vision.detection.patchcore.bank_building import BankFeatures
    from inference.vision.detection.patchcore.config import PatchCoreConfig
    from inference.vision.detection.patchcore.patchcore import PatchCore
    from inference.vision.detection.purity import Outliers
    from inference.vision.networks.runtime import Device

_BANK_SIZE = OptionField(
    name="max_bank_size",
    label=N_("Largest memory bank (patches)"),
    explanation=N_("More patches describe normal parts more finely; inspection slows down in proportion."),
    lowest=2048,
    highest=32768,
    step=1024,
    default=4096,
)


class PatchCoreSpec(DetectorSpec["PatchCoreConfig", "BankFeatures", "PatchCore"]):
    """A memory bank of normal patches."""

    name = "patchcore"
    title = N_("PatchCore on {backbone}")
    description = N_(
        "Learns from normal images alone, wherever the part lies in the picture. The best choice for most products."
    )
    backbones = (
        "efficientnet_lite0",
        "efficientnet_lite1",
        "efficientnet_lite2",
        "resnet18",
        "wide_resnet50_2",
        "dinov2_vits14",
    )
    options = (INPUT_SIZE, _BANK_SIZE)
    can_extend = True

    def cost(
        self, of_network: BuildCost, *, backbone: str | None, size_px: int, options: Mapping[str, Any]
    ) -> BuildCost:
        """Return what a bank costs: time and size grow with its rows."""
        assert backbone is not None
        rows = int(options.get(_BANK_SIZE.name) or _BANK_SIZE.default or 0)
        return replace(
            of_network,
            product_s=of_network.product_s * rows / (_BANK_SIZE.default or rows),
            bundle_bytes=of_network.bundle_bytes + 4 * rows * find_backbone(backbone).dimension,
        )

    def as_extendable(self, model: PatchCore) -> ExtendableDetector | None:
        """Return the model where it is a bank, as one that can be extended."""
        from inference.vision.detection.patchcore.patchcore import PatchCore

        return model if isinstance(model, PatchCore) else None

    def as_graph(self, model: PatchCore) -> GraphDetector | None:
        """Return the model as one that several runtimes can compute."""
        return model

    def input_size_px(self, backbone: str | None) -> int:
        """Return the side of the input where no other is set: a bank may look more closely than its network does."""
        assert backbone is not None
        spec = find_backbone(backbone)
        return spec.patch_size_px or spec.input_size_px

    def read_config(self, values: Mapping[str, Any]) -> PatchCoreConfig:
        """Return the configuration in plain values; absent ones have their default."""
        from inference.vision.detection.patchcore.config import PatchCoreConfig

        return PatchCoreConfig.from_dict(values)

    def choose_input(
        self,
        normals: Sequence[ImageSource],
        defects: Sequence[LabeledSource],
        config: PatchCoreConfig,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> tuple[PatchCoreConfig, InputChoice | None]:
        """Return the configuration with the input that small banks tell defects best with."""
        from inference.vision.detection.input_trial import choose_input

        return choose_input(normals, defects, config, device=device, weights=weights, progress=progress)

    def extract(
        self,
        sources: Sequence[ImageSource],
        config: PatchCoreConfig,
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> BankFeatures:
        """Return the patches of all images."""
        from inference.vision.detection.features.patch_extraction import extract_patches

        return extract_patches(sources, config, device=device, weights=weights, progress=progress)

    def fit(
        self, features: BankFeatures, *, weights: Path | None = None, progress: Progress | None = None
    ) -> PatchCore:
        """Return the bank of the features."""
        from inference.vision.detection.patchcore.patchcore import PatchCore

        return PatchCore.from_patches(features, weights=weights, progress=progress)

    def cross_fit(self, features: BankFeatures, *, progress: Progress | None = None) -> UnseenScores:
        """Return the scores of normal images by banks of the others."""
        from inference.vision.detection.patchcore.cross_fit import cross_fit

        return cross_fit(features, progress=progress)

    def leave_out(self, features: BankFeatures, keys: Collection[str]) -> BankFeatures | None:
        """Return the features without these images."""
        return features.leave_out(keys)

    def find_odd(
        self, features: BankFeatures, *, kept: Collection[str] = (), progress: Progress | None = None
    ) -> Outliers:
        """Return the images that are found strange by comparing each with each, where there are few."""
        from inference.vision.detection.patchcore.odd_images import find_odd_images

        def report() -> None:
            if progress is not None:
                progress("calibration", 0, len(features.keys))

        return find_odd_images(features, kept=kept, report=report)

    def teach(
        self,
        model: PatchCore,
        features: BankFeatures,
        unseen: UnseenScores,
        labeled: Sequence[LabeledSource],
        *,
        device: Device = "auto",
        weights: Path | None = None,
        progress: Progress | None = None,
    ) -> TaughtModel[PatchCore] | None:
        """Return the bank with a defect head."""
        from inference.vision.detection.patchcore.teaching import teach_bank

        return teach_bank(model, features, unseen, labeled, device=device, weights=weights, progress=progress)

    def distance_scale(self, model: PatchCore) -> float:
        """Return the radius of the coreset."""
        return max(model.figures.radius, 1e-3)

    def describe(self, model: PatchCore) -> dict[str, float | int | str | None]:
        """Return the size of the bank and the radius of the coreset."""
        radius = model.figures.radius
        return {
            "detector": self.name,
            "bank_size": model.bank_size,
            "coreset_radius": radius if math.isfinite(radius) else None,
        }

    def load(
        self,
        bundle: Bundle,
        *,
        device: Device = "auto",
        find_weights: FindWeights | None = None,
        threads: int | None = None,
    ) -> PatchCore:
        """Return the bank in a verified bundle, with its runtime."""
        from inference.vision.detection.patchcore.patchcore import PatchCore

        return PatchCore.from_bundle(bundle, device=device, find_weights=find_weights, threads=threads)


SPECIFICATION = PatchCoreSpec()
