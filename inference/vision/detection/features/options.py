"""Options that every detector on a backbone's patches can have."""

from __future__ import annotations

from inference.i18n import N_
from inference.vision.detection.specification import OptionField

INPUT_SIZE = OptionField(
    name="input_size_px",
    label=N_("Input size (px)"),
    explanation=N_("Larger finds smaller defects, and takes as many times longer as the area grows."),
    lowest=128,
    highest=768,
    step=32,
    default=None,
)
