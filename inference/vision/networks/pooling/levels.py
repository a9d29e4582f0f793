"""The levels of a backbone that are pooled for similarity."""

from __future__ import annotations

from inference.vision.networks.specifications import BackboneSpec, find_backbone

# Where they are not those of detection: the last says what is shown.
_LEVELS: dict[str, tuple[str, ...]] = {"dinov2_vits14": ("blocks.11",)}


def with_pooled_levels(name: str) -> BackboneSpec:
    """Return the backbone with these levels; raises ModelError(`backbone_unknown`)."""
    spec = find_backbone(name)
    return spec.with_levels(_LEVELS.get(name, spec.levels))
