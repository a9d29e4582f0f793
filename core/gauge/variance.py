"""Gauge R&R of scores by analysis of variance: parts crossed with setups, repeated, of one size each.

The method is that of AIAG, Measurement Systems Analysis, 4th edition, chapter III-B and appendix A. "Setup" is what
the manual calls appraiser: for a camera it is the station, the fixture, or the person who places the part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.i18n import N_

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

# The interaction is left out of the model where its F test does not reach this level.
POOLING_LEVEL = 0.25
SPREAD = 6.0  # standard deviations that hold 99.73 % of a normal distribution
CATEGORY_FACTOR = 1.41  # of the number of distinct categories: the square root of 2

PART, SETUP, INTERACTION, ERROR, TOTAL = "part", "setup", "interaction", "error", "total"
SOURCE_NAMES: dict[str, str] = {
    PART: N_("Part-to-part"),
    SETUP: N_("Setup"),
    INTERACTION: N_("Part × setup"),
    ERROR: N_("Repeatability"),
    TOTAL: N_("Total"),
}
EV, AV, INT, GRR, PV, TV = "ev", "av", "int", "grr", "pv", "tv"
COMPONENT_NAMES: dict[str, str] = {
    GRR: N_("Gauge R&R (GRR)"),
    EV: N_("Repeatability (EV)"),
    AV: N_("Reproducibility (AV)"),
    INT: N_("Part × setup"),
    PV: N_("Part variation (PV)"),
    TV: N_("Total variation (TV)"),
}
# Expected range of so many normal values, and its spread, in standard deviations.
_D2 = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326}
_D3 = {2: 0.853, 3: 0.888, 4: 0.880, 5: 0.864}


@dataclass(frozen=True)
class AnovaRow:
    """One line of the table: `f` and `p` are None where nothing is tested."""

    source: str
    df: int
    ss: float
    ms: float
    f: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Component:
    """One part of the variation: `sigma` in the score's unit, shares of 0..1 (of the variation, they do not add up)."""

    name: str
    sigma: float
    contribution: float
    of_variation: float
    of_tolerance: float | None


@dataclass(frozen=True)
class RangeLimits:
    """The control limits of ranges and means: of the same part at the same setup."""

    mean_range: float
    range_limit: float
    grand_mean: float
    mean_low: float
    mean_high: float


@dataclass(frozen=True, eq=False)
class VarianceStudy:
    """What the scores, (parts, setups, repeats), say of the measurement system.

    `setup_studied` is whether there were several setups: without, reproducibility is not known. `is_pooled` is whether
    the interaction was left out. `categories` is ndc, None where the measurement does not vary at all.
    """

    scores: Scores
    rows: tuple[AnovaRow, ...]
    components: dict[str, Component]
    is_pooled: bool
    interaction_p: float | None
    categories: int | None
    tolerance: float | None
    limits: RangeLimits

    @property
    def setup_studied(self) -> bool:
        """Return whether reproducibility could be measured."""
        return bool(self.scores.shape[1] > 1)

    @property
    def ranges(self) -> Scores:
        """Return the range of each part at each setup, (parts, setups)."""
        found: Scores = np.ptp(self.scores, axis=2)
        return found

    @property
    def means(self) -> Scores:
        """Return the mean of each part at each setup, (parts, setups)."""
        found: Scores = self.scores.mean(axis=2)
        return found

    @property
    def part_means(self) -> Scores:
        """Return the mean of each part, (parts,)."""
        found: Scores = self.scores.mean(axis=(1, 2))
        return found

    @property
    def n_ranges_beyond(self) -> int:
        """Return how many ranges lie above their limit: those looks were not like the others."""
        return int((self.ranges > self.limits.range_limit * (1 + 1e-12)).sum())

    @property
    def share_means_beyond(self) -> float:
        """Return the share of means beyond their limits: at least half, where the parts can be told apart."""
        means = self.means
        return float(((means < self.limits.mean_low) | (means > self.limits.mean_high)).mean())


def study_variance(scores: Scores, *, tolerance: float | None = None) -> VarianceStudy:
    """Return the study of scores (parts, setups, repeats): at least 2 parts and 2 repeats, no gaps.

    `tolerance` is what 6 standard deviations are compared with; None where there is none.
    """
    values = np.asarray(scores, dtype=np.float64)
    n_parts, n_setups, n_repeats = values.shape
    if n_parts < 2 or n_setups < 1 or n_repeats < 2 or not np.isfinite(values).all():
        raise ValueError("a study needs at least 2 parts and 2 repeats, and no gaps")
    rows, pooled, interaction_p = _analyze(values)
    by_source = {row.source: row.ms for row in rows}
    if n_setups == 1:
        ev, av, interaction = by_source[ERROR], 0.0, 0.0
        pv = max(0.0, (by_source[PART] - ev) / n_repeats)
    else:
        ev = by_source[ERROR]
        against = ev if pooled else by_source[INTERACTION]
        interaction = 0.0 if pooled else max(0.0, (by_source[INTERACTION] - ev) / n_repeats)
        av = max(0.0, (by_source[SETUP] - against) / (n_parts * n_repeats))
        pv = max(0.0, (by_source[PART] - against) / (n_setups * n_repeats))
    grr = ev + av + interaction
    variances = {GRR: grr, EV: ev, AV: av, INT: interaction, PV: pv, TV: grr + pv}
    if n_setups == 1:
        del variances[AV]
    if pooled or n_setups == 1:
        del variances[INT]
    usable = tolerance if tolerance is not None and tolerance > 0 else None
    components = {name: _describe(name, value, variances[TV], usable) for name, value in variances.items()}
    categories = int(CATEGORY_FACTOR * math.sqrt(pv / grr) + 1e-9) if grr > 0 else None
    return VarianceStudy(values, rows, components, pooled, interaction_p, categories, usable, _limit(values))


def _analyze(values: Scores) -> tuple[tuple[AnovaRow, ...], bool, float | None]:
    """Return the lines of the table, whether the interaction is in the error, and the p-value of its own test."""
    from scipy.stats import f as f_distribution  # type: ignore[import-untyped]

    n_parts, n_setups, n_repeats = values.shape
    grand = values.mean()
    cells = values.mean(axis=2)
    ss_total = float(((values - grand) ** 2).sum())
    ss_error = float(((values - cells[..., None]) ** 2).sum())
    ss_part = float(n_setups * n_repeats * ((values.mean(axis=(1, 2)) - grand) ** 2).sum())
    ss_setup = float(n_parts * n_repeats * ((values.mean(axis=(0, 2)) - grand) ** 2).sum())
    fitted = values.mean(axis=(1, 2))[:, None] + values.mean(axis=(0, 2))[None, :] - grand
    ss_inter = float(n_repeats * ((cells - fitted) ** 2).sum())
    df_part, df_setup = n_parts - 1, n_setups - 1
    df_inter, df_error = df_part * df_setup, n_parts * n_setups * (n_repeats - 1)

    def tested(source: str, df: int, ss: float, against: float, df_against: int) -> AnovaRow:
        ms = ss / df
        if against <= 0:
            return AnovaRow(source, df, ss, ms, None, 0.0 if ms > 0 else None)
        ratio = ms / against
        return AnovaRow(source, df, ss, ms, ratio, float(f_distribution.sf(ratio, df, df_against)))

    total = AnovaRow(TOTAL, values.size - 1, ss_total, ss_total / (values.size - 1))
    if n_setups == 1:
        error = AnovaRow(ERROR, df_error, ss_error, ss_error / df_error)
        return (tested(PART, df_part, ss_part, error.ms, df_error), error, total), False, None
    inter = tested(INTERACTION, df_inter, ss_inter, ss_error / df_error, df_error)
    interaction_p = 1.0 if inter.p is None else inter.p
    if interaction_p > POOLING_LEVEL:
        df_error, ss_error = df_error + df_inter, ss_error + ss_inter
    error = AnovaRow(ERROR, df_error, ss_error, ss_error / df_error)
    pooled = interaction_p > POOLING_LEVEL
    against, df_against = (error.ms, df_error) if pooled else (inter.ms, df_inter)
    first = [
        tested(PART, df_part, ss_part, against, df_against),
        tested(SETUP, df_setup, ss_setup, against, df_against),
    ]
    return (*first, *([] if pooled else [inter]), error, total), pooled, interaction_p


def _describe(name: str, variance: float, total: float, tolerance: float | None) -> Component:
    sigma = math.sqrt(variance)
    return Component(
        name,
        sigma,
        variance / total if total > 0 else 0.0,
        math.sqrt(variance / total) if total > 0 else 0.0,
        SPREAD * sigma / tolerance if tolerance is not None else None,
    )


def _limit(values: Scores) -> RangeLimits:
    n_repeats = values.shape[2]
    mean_range, grand = float(np.ptp(values, axis=2).mean()), float(values.mean())
    d2, d3 = _D2[min(n_repeats, 5)], _D3[min(n_repeats, 5)]
    width = 3.0 * mean_range / (d2 * math.sqrt(n_repeats))
    return RangeLimits(mean_range, mean_range * (1.0 + 3.0 * d3 / d2), grand, grand - width, grand + width)
