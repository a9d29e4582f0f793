"""How far people and the model agree: Cohen's kappa over the inspections that a person has judged.

Sources: Cohen, Educational and Psychological Measurement 20 (1960); Fleiss, Cohen and Everitt, Psychological Bulletin
72 (1969), for the standard error; AIAG, Measurement Systems Analysis, 4th edition, for what is good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import col, func, or_, select

from core.analytics.conditions import conditions_of
from core.analytics.scope import Scope
from core.rollups.calendar import read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import Inspection

VERDICTS = ("ok", "review", "reject")
GOOD, POOR = 0.75, 0.40
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa with its 95 % interval, over `n` pairs. `observed` is the share of equal ones.

    None where it says nothing: no pairs, or both always say the same one word. The interval is None for so few pairs,
    or so complete an agreement, that its formula means nothing.
    """

    n: int
    observed: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Agreement:
    """`table[model's verdict][person's verdict]` in the order of `VERDICTS`, over what a person has judged.

    `kappa` is of the parts on which both decided (OK or NG): Review is the model's way to ask, and no decision. It has
    no value where nobody confirmed a part of one class: people look at those that they overrule.
    """

    table: tuple[tuple[int, int, int], ...]
    kappa: Kappa
    n_judged: int


def cohen_kappa(table: Sequence[Sequence[float]] | NDArray[Any]) -> Kappa:
    """Return the kappa of a square table of counts (rows: one rater, columns: the other)."""
    counts = np.asarray(table, np.float64)
    n = float(counts.sum())
    if n == 0:
        return Kappa(0)
    shares = counts / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    if expected >= 1.0 - 1e-12:
        return Kappa(int(n), observed)
    value = (observed - expected) / (1.0 - expected)
    # Fleiss, Cohen and Everitt (1969), equation 13.
    same = float((np.diag(shares) * (1.0 - (rows + columns) * (1.0 - value)) ** 2).sum())
    weights = columns[:, None] + rows[None, :]
    off = shares * weights**2
    other = float(off.sum() - np.trace(off)) * (1.0 - value) ** 2
    chance = (value - expected * (1.0 - value)) ** 2
    error = math.sqrt(max(0.0, same + other - chance)) / ((1.0 - expected) * math.sqrt(n))
    if n < 10 or error == 0.0:
        return Kappa(int(n), observed, value)
    return Kappa(int(n), observed, value, max(-1.0, value - _Z95 * error), min(1.0, value + _Z95 * error))


def read_agreement(services: HasDatabase, scope: Scope) -> Agreement:
    """Return how people and the model agree in a scope. Raises AppError.

    A person has judged an inspection that was reviewed, whose verdict was changed, whose defect type was confirmed, or
    whose action was closed.
    """
    judged = or_(
        col(Inspection.review_state) == "done",
        col(Inspection.verdict) != col(Inspection.final_verdict),
        col(Inspection.confirmed_at).is_not(None),
        col(Inspection.action_status) == "done",
    )
    with reading(services) as session:
        query = (
            select(Inspection.verdict, Inspection.final_verdict, func.count())
            .where(*conditions_of(scope, read_calendar(session)), judged)
            .group_by(col(Inspection.verdict), col(Inspection.final_verdict))
        )
        if scope.shift is None and scope.version_id is None:
            # All that is asked for lies in this index; SQLite would read the rows.
            query = query.with_hint(Inspection, "INDEXED BY ix_inspections_history", "sqlite")
        found = {(model, person): count for model, person, count in session.exec(query).all()}
    ok, review, reject = (
        tuple(int(found.get((model, person), 0)) for person in VERDICTS) for model in VERDICTS
    )  # fmt: skip
    decided = cohen_kappa([[ok[0], ok[2]], [reject[0], reject[2]]])
    if not ok[0] or not reject[2]:
        # Of one class only the disagreements were looked at: agreement cannot be told from that.
        decided = Kappa(decided.n, decided.observed)
    table = ((ok[0], ok[1], ok[2]), (review[0], review[1], review[2]), (reject[0], reject[1], reject[2]))
    return Agreement(
        table=table,
        kappa=decided,
        n_judged=sum(map(sum, table)),
    )
