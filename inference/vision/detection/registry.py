"""The detectors that there are. A new one is a package with a specification, and one line here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.errors import ModelError
from inference.vision.detection.autoencoder.specification import SPECIFICATION as _AUTOENCODER
from inference.vision.detection.detector import KIND, Detector, FindWeights
from inference.vision.detection.padim.specification import SPECIFICATION as _PADIM
from inference.vision.detection.patchcore.specification import SPECIFICATION as _PATCHCORE
from inference.vision.detection.specification import AnyDetectorSpec

if TYPE_CHECKING:
    from inference.artifact import Bundle
    from inference.vision.networks.runtime import Device

# What is built where nobody has chosen.
DEFAULT = _PATCHCORE.name
# What a bundle holds that does not say: once there was only this one.
UNNAMED = _PATCHCORE.name
_SPECS: dict[str, AnyDetectorSpec] = {spec.name: spec for spec in (_PATCHCORE, _PADIM, _AUTOENCODER)}


def list_detectors() -> tuple[AnyDetectorSpec, ...]:
    """Return the specifications of all detectors, in the order in which they are offered."""
    return tuple(_SPECS.values())


def find_detector(name: str) -> AnyDetectorSpec:
    """Return the specification of that name; raises ModelError(`detector_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise ModelError("detector_unknown", name=name) from None


def register(spec: AnyDetectorSpec) -> None:
    """Offer one more detector in this process. Raises ValueError for a name that is taken."""
    if spec.name in _SPECS:
        raise ValueError(f"there is a detector of the name {spec.name} already")
    _SPECS[spec.name] = spec


def unregister(name: str) -> None:
    """Withdraw a detector that was registered. Raises KeyError for one that is not there."""
    del _SPECS[name]


def find_bundle_detector(bundle: Bundle) -> AnyDetectorSpec:
    """Return the specification of the detector in a bundle; raises ModelError(`detector_unknown`)."""
    return find_detector(str(bundle.metadata.get("detector", UNNAMED)))


def load(
    folder: Path,
    *,
    device: Device = "auto",
    manifest_sha256: str | None = None,
    find_weights: FindWeights | None = None,
    threads: int | None = None,
) -> Detector:
    """Read a bundle and return its model, ready to inspect, whichever detector it is of.

    `find_weights` gives the weights file of a backbone by name, or None for the carried one; it is needed where the
    bundle's own graph does not serve (CUDA). Raises ArtifactError as `read_bundle` does, and ModelError:
    `detector_unknown`, `backbone_weights_changed`, `device_…`, `config_invalid`.
    """
    from inference.artifact import read_bundle

    bundle = read_bundle(folder, kind=KIND, manifest_sha256=manifest_sha256)
    model: Detector = find_bundle_detector(bundle).load(
        bundle, device=device, find_weights=find_weights, threads=threads
    )
    return model
