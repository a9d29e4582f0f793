"""The methods that there are. A new one is a specification of its own, and one line here."""

from __future__ import annotations

from core.errors import NotFound
from core.methods.records import MethodSpec
from core.methods.specifications.anomalib_models import DINOMALY, EFFICIENT_AD, GANOMALY, SUPERSIMPLENET
from core.methods.specifications.classifier import CLASSIFIER
from core.methods.specifications.detectors import AUTOENCODER, PADIM, PATCHCORE
from core.methods.specifications.trained_runs import TrainedRunSpec
from core.methods.visual.vlg import VlgSpec
from core.methods.visual.vlm import VlmSpec

_SPECS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        PATCHCORE,
        PADIM,
        AUTOENCODER,
        CLASSIFIER,
        GANOMALY,
        SUPERSIMPLENET,
        DINOMALY,
        EFFICIENT_AD,
        TrainedRunSpec(),
        VlmSpec(),
        VlgSpec(),
    )
}


def list_methods() -> tuple[MethodSpec, ...]:
    """Return the specifications of all methods, in the order in which they are offered."""
    return tuple(_SPECS.values())


def find_method(name: str) -> MethodSpec:
    """Return the specification of that name. Raises NotFound(`method_name_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise NotFound("method_name_unknown", name=name, choices=", ".join(_SPECS)) from None


def register(spec: MethodSpec) -> None:
    """Offer one more method in this process. Raises ValueError for a name that is taken."""
    if spec.name in _SPECS:
        raise ValueError(f"there is a method of the name {spec.name} already")
    _SPECS[spec.name] = spec


def unregister(name: str) -> None:
    """Withdraw a method that was registered. Raises KeyError for one that is not there."""
    del _SPECS[name]
