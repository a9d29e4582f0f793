"""What a calibration says of the parts to come: how sure the thresholds are, and what would help.

For the page and the terminal alike. What versions of before did not measure is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.i18n import N_, translate, translate_plural
from core.models.calibration_figures import CalibrationFigures, RateFigures

NO_DEFECTS = "no_defect_images"
_WARNINGS: dict[str, str] = {
    "no_normal_images": N_("No normal image could be scored: the thresholds are a guess."),
    "few_normal_images": N_(
        "With so few normal images, expect good parts to be sent to review. It gets better with each; "
        "20 make the thresholds steadier, 50 are better."
    ),
    NO_DEFECTS: N_("Without defect images nobody can say how many defects escape. 10 or more tell."),
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
# Where so many made-up defects pass, it is worth knowing what stops more of them.
_MANY_PASS = 0.2
# From so many defects on, thresholds follow them (`inference.vision.detection.calibration`).
ENOUGH_DEFECTS = 10
_MANY_NORMALS = 100


def calibration_sentences(figures: CalibrationFigures, warnings: Sequence[str], language: str) -> list[str]:
    """Return what the thresholds were set from and aim at, what to expect, and one sentence for each warning."""
    lines = []
    told = set(warnings)
    n_normal, n_defect = figures.n_normal or 0, figures.n_defect or 0
    if n_normal and not n_defect:
        lines.append(_say_aim(figures, n_normal, language))
    elif n_normal or n_defect:
        # A few defects among the good ones leave the thresholds where they would be without.
        aimed = n_defect < ENOUGH_DEFECTS and "classes_overlap" in told
        lines.append(_say_separation(figures, n_normal, n_defect, language, aimed=aimed))
    if estimate := _say_estimate(figures, language):
        lines.append(estimate)
        told.discard(NO_DEFECTS)
    return lines + warning_sentences([code for code in warnings if code in told], language)


def warning_sentences(warnings: Sequence[str], language: str) -> list[str]:
    """Return one sentence for each warning of a calibration that is known."""
    return [translate(language, _WARNINGS[code]) for code in warnings if code in _WARNINGS]


def _say_origin(figures: CalibrationFigures, images: str, language: str, *, aimed: bool) -> str:
    if not aimed or figures.percentile is None:
        return translate(language, N_("Thresholds from {images}.")).format(images=images)
    said = N_("Thresholds from {images}, aimed at {share}% of good parts in review.")
    return translate(language, said).format(images=images, share=f"{100 - figures.percentile:.3g}")


def _say_aim(figures: CalibrationFigures, n_normal: int, language: str) -> str:
    images = _n("{count} normal image", "{count} normal images", n_normal, language)
    lines = [_say_origin(figures, images, language, aimed=True)]
    held = _count(figures.overkill_at_review, n_normal)
    if held is not None:
        said = N_("Measured with images that the model had not seen: {held} of {n_normal}, at most {high}% (95% sure).")
        high = _percent(figures.overkill_at_review.high)
        lines.append(translate(language, said).format(held=held, n_normal=n_normal, high=high))
        if n_normal < _MANY_NORMALS:
            lines.append(translate(language, N_("More normal images make this surer.")))
    return " ".join(lines)


def _say_separation(figures: CalibrationFigures, n_normal: int, n_defect: int, language: str, *, aimed: bool) -> str:
    images = [
        _n("{count} normal image", "{count} normal images", n_normal, language),
        _n("{count} defect image", "{count} defect images", n_defect, language),
    ]
    lines = [_say_origin(figures, " + ".join(images), language, aimed=aimed)]
    held, passed = _count(figures.overkill_at_review, n_normal), _count(figures.escape_at_review, n_defect)
    if held is not None:
        said = N_("Good parts held back (review or NG): {held} of {n_normal}, at most {high}% (95% sure).")
        high = _percent(figures.overkill_at_review.high)
        lines.append(translate(language, said).format(held=held, n_normal=n_normal, high=high))
    if passed is not None and n_defect < ENOUGH_DEFECTS:
        said = N_("Defects judged OK: {passed} of {n_defect}; these are too few to say how many escape.")
        lines.append(translate(language, said).format(passed=passed, n_defect=n_defect))
    elif passed is not None:
        said = N_("Defects judged OK: {passed} of {n_defect}, at most {high}% (95% sure).")
        high = _percent(figures.escape_at_review.high)
        lines.append(translate(language, said).format(passed=passed, n_defect=n_defect, high=high))
        lines.append(translate(language, N_("More images narrow both.")))
    return " ".join(lines)


def _say_estimate(figures: CalibrationFigures, language: str) -> str:
    """Return how many defects that were made up would pass; empty where none were."""
    if not figures.n_made_up or figures.made_up_escape is None:
        return ""
    said = translate(
        language,
        N_("About {share}% of {count} made-up defects would pass: an estimate. Label real defects to know."),
    ).format(share=f"{100 * figures.made_up_escape:.0f}", count=figures.n_made_up)
    if figures.made_up_escape >= _MANY_PASS:
        said += " " + translate(language, N_("A higher share of good parts in review passes fewer."))
    return said


def _count(rate: RateFigures, total: int) -> int | None:
    """Return how many of the images a measured share is; None where it was not measured."""
    return None if rate.rate is None or rate.high is None else round(rate.rate * total)


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.2g}"


def _n(singular: str, plural: str, count: int, language: str) -> str:
    return translate_plural(language, singular, plural, count).format(count=f"{count:,}")
