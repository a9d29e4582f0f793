"""What was noted and decided of normal images that do not look like the others, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.i18n import N_
from core.images.outliers import KEPT, SUSPECTED
from pages.components.shared.labels import label_of

if TYPE_CHECKING:
    from storage.tables import Image

STATE_NAMES: dict[str, str] = {SUSPECTED: N_("Unlike the others"), KEPT: N_("Kept as good")}


def describe_outlier_state(image: Image) -> str:
    """Return in words what was noted, or decided, of a normal image; empty where nothing was."""
    return label_of(STATE_NAMES, image.outlier_state) if image.outlier_state in STATE_NAMES else ""
