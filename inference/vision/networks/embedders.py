"""The embedders that there are. A new one is a package with a specification, and one line here."""

from __future__ import annotations

from inference.errors import ModelError
from inference.vision.networks.clip.specification import SPECIFICATION as _CLIP
from inference.vision.networks.embedder_specification import EmbedderSpec
from inference.vision.networks.pooling.specification import SPECIFICATION as _POOLING

# What is built where nobody has chosen; its weights are carried.
DEFAULT = _POOLING.name
_SPECS: dict[str, EmbedderSpec] = {spec.name: spec for spec in (_POOLING, _CLIP)}


def list_embedders() -> tuple[EmbedderSpec, ...]:
    """Return the specifications of all embedders, in the order in which they are offered."""
    return tuple(_SPECS.values())


def find_embedder(name: str) -> EmbedderSpec:
    """Return the specification of that name; raises ModelError(`embedder_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise ModelError("embedder_unknown", name=name) from None


def register(spec: EmbedderSpec) -> None:
    """Offer one more embedder in this process. Raises ValueError for a name that is taken."""
    if spec.name in _SPECS:
        raise ValueError(f"there is an embedder of the name {spec.name} already")
    _SPECS[spec.name] = spec


def unregister(name: str) -> None:
    """Withdraw an embedder that was registered. Raises KeyError for one that is not there."""
    del _SPECS[name]
