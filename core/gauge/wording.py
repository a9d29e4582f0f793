"""Putting results into words, the same on the screen and on paper: the caller gives the language."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.gauge.advice import ADVICE, Advice
from core.gauge.results import AppraiserResult
from core.i18n import N_
from core.inspections.terms import VERDICT_NAMES

if TYPE_CHECKING:
    from core.gauge.agreement import Kappa, Share
    from core.gauge.records import Study, TrialView

Translate = Callable[[str], str]
MODEL, MODEL_AT = N_("Model"), N_("Model at {setup}")
SETUP_NUMBER = N_("Setup {number}")
NO_SCORES_YET = N_("The score can be told when at least two parts have all their pictures.")
NO_VERDICTS_YET = N_("Agreement can be told when somebody has finished at least two parts.")
INTERIM = N_("This is how it stands so far: {taken} of {pictures} pictures and {rated} of {ratings} looks are done.")


def percent(share: float) -> str:
    """Return a share of 0..1 in percent."""
    return f"{share * 100:.1f}%"


def score(value: float) -> str:
    """Return a score with about four digits that count."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def name_setup(study: Study, setup: int, translate: Translate) -> str:
    """Return what a setup is called; a number where it has no name."""
    return study.setups[setup] or translate(SETUP_NUMBER).format(number=setup + 1)


def name_appraiser(one: AppraiserResult, study: Study, translate: Translate) -> str:
    """Return the name of a person, or of the model at its setup."""
    if not one.is_model:
        return one.name
    if len(study.setups) == 1 or one.setup is None:
        return translate(MODEL)
    return translate(MODEL_AT).format(setup=name_setup(study, one.setup, translate))


def name_picture(study: Study, trial: TrialView, translate: Translate) -> str:
    """Return which picture this is: part, setup where there are several, repeat."""
    pieces = [study.parts_by_id[trial.part_id].name]
    if len(study.setups) > 1:
        pieces.append(name_setup(study, trial.setup, translate))
    if study.n_pictures > 1:
        pieces.append(translate(N_("repeat {number}")).format(number=trial.repeat_no))
    return " · ".join(pieces)


def write_share(share: Share | None) -> str:
    """Return a share with its count, a dash for none."""
    return "–" if share is None else f"{percent(share.value)} ({share.hits}/{share.total})"


def write_interval(share: Share | None) -> str:
    """Return the interval of a share, a dash for none."""
    return "–" if share is None else f"{percent(share.low)} – {percent(share.high)}"


def write_p(p: float | None) -> str:
    """Return a p-value, nothing where nothing was tested."""
    if p is None:
        return ""
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"


def write_kappa(kappa: Kappa | None) -> str:
    """Return kappa with its interval, a dash where there is none."""
    if kappa is None:
        return "–"
    if kappa.low is None or kappa.high is None:
        return f"{kappa.value:.2f}"
    return f"{kappa.value:.2f} ({kappa.low:.2f} – {kappa.high:.2f})"


def phrase(advice: Advice, study: Study, translate: Translate) -> str:
    """Return the sentence of an advice with its figures in words."""
    return translate(ADVICE[advice.code]).format(
        **{name: _word(name, value, study, translate) for name, value in advice.params.items()},
        thresholds=_thresholds(study, translate),
    )


def _word(name: str, value: object, study: Study, translate: Translate) -> object:
    if name in {"grr", "share", "chance"} and isinstance(value, float):
        return percent(value)
    if name == "kappa" and isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, float):
        return score(value)
    if name == "verdicts" and isinstance(value, dict):
        return ", ".join(f"{translate(VERDICT_NAMES[one])} {count}×" for one, count in value.items())
    if name == "threshold":
        return translate(VERDICT_NAMES[str(value)])
    if name == "setup" and isinstance(value, int):
        return name_setup(study, value, translate)
    if isinstance(value, AppraiserResult):
        return name_appraiser(value, study, translate)
    return value


def _thresholds(study: Study, translate: Translate) -> str:
    if study.review_at is None or study.reject_at is None:
        return "–"
    return translate(N_("Review from {review_at}, NG from {reject_at}")).format(
        review_at=score(study.review_at), reject_at=score(study.reject_at)
    )
