"""What a calibration says of the parts to come, in words: how sure the thresholds are, and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from core.i18n import N_
from core.models.calibration_figures import CalibrationFigures
from pages.components.shared.language import _, _n, number

_WARNINGS: dict[str, str] = {
    "no_normal_images": N_("No normal image could be scored: the thresholds are a guess."),
    "few_normal_images": N_(
        "With so few normal images, expect good parts to be sent to review. It gets better with each; "
        "20 make the thresholds steadier, 50 are better."
    ),
    "no_defect_images": N_("Without defect images nobody can say how many defects escape. 10 or more tell."),
    "few_defect_images": N_("From 10 defect images on, the thresholds follow the defects as well."),
    "identical_scores": N_("All normal images score alike. Check that they are not copies of one image."),
    "split_leak": N_(
        "Some parts have training and test images both: what was measured on the test images is too good to be true. "
        "Use all images of a part for one (Normal images, Defect images)."
    ),
    "classes_overlap": N_("Some defect images look as normal as good ones: what lies between goes to review."),
    "defects_look_normal": N_(
        "The defect images hardly differ from the normal ones for this model. Check their labels, the "
        "preprocessing, or whether the defects are too small for the input."
    ),
}


def describe_calibration(figures: CalibrationFigures, warnings: Sequence[str]) -> list[str]:
    """Return one sentence on what the thresholds were set from and what to expect, then one for each warning.

    What older versions did not measure is left out.
    """
    lines = []
    n_normal, n_defect = figures.n_normal or 0, figures.n_defect or 0
    if n_normal or n_defect:
        images = _n("{count} normal image", "{count} normal images", n_normal)
        images += " + " + _n("{count} defect image", "{count} defect images", n_defect)
        parts = [_("Thresholds from {images}", images=images)]
        if (overkill := _share(figures.overkill_at_reject.high)) is not None:
            parts.append(_("good parts judged NG: {share}% at most", share=overkill))
        if (escape := _share(figures.escape_at_review.high)) is not None:
            parts.append(_("defects judged OK: {share}% at most", share=escape))
        lines.append(" · ".join(parts) + (" " + _("(95% sure)") if len(parts) > 1 else ""))
    lines.extend(_(_WARNINGS[code]) for code in warnings if code in _WARNINGS)
    return lines


def _share(value: float | None) -> str | None:
    return None if value is None else number(100.0 * value, 1)
