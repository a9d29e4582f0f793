"""What speaks against putting a trained model into use: compared with the one in use on the same test images.

Differences are paired and over parts: images of one part are not independent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import from_lower
from core.models.judgments import HoldReason
from core.models.kinds import TRAINED_MODEL
from core.registry.versions import active_version
from core.training.runs.records import GoalOutcome
from core.training.runs.scoring import Progress, Scored, score_examples
from core.transactions import reading
from inference.errors import InferenceError
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from core.training.runs.judging import Judgment
    from inference.vision.comparison.measures import Figure, Judged
    from inference.vision.learning.recipes.contract import Example
    from inference.vision.learning.trained_network.description import NetworkDescription
    from inference.vision.learning.trained_network.runtime import NetworkRuntime

logger = logging.getLogger(__name__)

# The reasons, by the code under which they are stored; a sentence is `held_` and the code.
WORSE, OTHER_TASK, FEWER_LABELS = "trained_worse", "trained_other_task", "trained_fewer_labels"
NEAR_CHANCE, FINDS_LITTLE, UNTESTED = "trained_near_chance", "trained_finds_little", "trained_untested"
GOALS_MISSED, BROKEN = "trained_goals_missed", "trained_dataset_broken"
# Below this, places that were learned are hardly found at all.
_LITTLE = 0.1


def find_active_network(services: Services, product_id: int, view: str) -> ModelVersion | None:
    """Return the version of a trained model that is in use for (a view of) the product, None without one."""
    with reading(services) as session:
        return active_version(session, TRAINED_MODEL, product_id, "", view)


def list_reasons(
    services: Services,
    description: NetworkDescription,
    test: Scored,
    goals: Sequence[GoalOutcome],
    active: ModelVersion | None,
    *,
    seed: int,
    broken: bool,
    progress: Progress,
) -> tuple[HoldReason, ...]:
    """Return why a trained model waits for a person who takes it upon them, those that weigh most first.

    `test` is what it says of the test images, `active` the version in use, which is asked about the same images. One
    that cannot be opened names nothing either, and stands in nobody's way. Raises AppError where a store is away, and
    what `progress` raises.
    """
    reasons: list[HoldReason] = []
    if not test.judged:
        reasons.append(HoldReason(UNTESTED))
    else:
        if active is not None:
            reasons += _compare(services, description, test, active, seed=seed, progress=progress)
        found = _look_for_chance(description, test, seed=seed)
        reasons += [] if found is None else [found]
    missed = [goal for goal in goals if not goal.met]
    if missed:
        reasons.append(HoldReason(GOALS_MISSED, {"count": len(missed), "goals": len(goals)}))
    if broken:
        reasons.append(HoldReason(BROKEN))
    return tuple(reasons)


def _compare(
    services: Services,
    description: NetworkDescription,
    test: Scored,
    active: ModelVersion,
    *,
    seed: int,
    progress: Progress,
) -> list[HoldReason]:
    from inference.vision.comparison.bootstrap import compare

    network = _open(services, active)
    if network is None:
        return []
    own = network.description
    number = float(active.number)
    if own.task != description.task:
        return [HoldReason(OTHER_TASK, {"number": number})]
    reasons = []
    fewer = set(own.labels) - set(description.labels)
    if fewer:
        reasons.append(HoldReason(FEWER_LABELS, {"number": number, "count": len(fewer)}))
    before = score_examples(network, own, [example for example, _ in test.judged], progress)
    known = {example.key: judgment for example, judgment in before.judged}
    pairs = [(example, one, known[example.key]) for example, one in test.judged if example.key in known]
    if not pairs:
        return reasons
    judged = [_judged(example, one) for example, one, _other in pairs]
    one = make_figure(description, [(example, found) for example, found, _other in pairs])
    other = make_figure(own, [(example, found) for example, _one, found in pairs])
    ours, theirs = _value_of(one, len(judged)), _value_of(other, len(judged))
    if ours >= theirs:
        return reasons
    n_parts = len({example.part for example, *_ in pairs})
    figures = {"number": number, "value": ours, "active_value": theirs, "n_parts": float(n_parts)}
    difference = compare(judged, one, other, seed=seed)
    if difference is not None:
        figures |= {"from_value": difference.low, "to_value": difference.high}
        return [HoldReason(f"{WORSE}_{PRIMARY_FIGURES[own.task]}", figures), *reasons]
    return [HoldReason(f"{WORSE}_{PRIMARY_FIGURES[own.task]}_unsure", figures), *reasons]


def _open(services: Services, active: ModelVersion) -> NetworkRuntime | None:
    try:
        return services.models.trained_network(active).runtime
    except (InferenceError, ObjectStoreError) as error:
        found = from_lower(error)
        if isinstance(error, ObjectStoreError) and error.code != "object_missing":
            raise found from error
        logger.warning("version %d, which is in use, cannot be opened: %s", active.id, found.code)
        return None


def make_figure(description: NetworkDescription, judged: Sequence[tuple[Example, Judgment]]) -> Figure:
    """Return the figure that two networks are compared by, of these images drawn with weights.

    Macro F1 of the labels; where places are learned, the mean over the images of how right each is: a figure of
    pixels or boxes of all images together cannot be drawn again part by part.
    """
    import numpy as np

    from inference.vision.comparison.measures import make_figures

    if description.task == "classification":
        rows = [_judged(example, one) for example, one in judged]
        return make_figures(rows, None, names_types=True)["macro_f1"]
    quality = np.array([one.quality for _, one in judged], np.float64)
    return _mean_of(quality)


def _value_of(figure: Figure, count: int) -> float:
    import numpy as np

    return float(figure(np.ones((1, count)))[0])


def _mean_of(values: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def figure(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = (weights @ values) / weights.sum(axis=1)
        return found

    return figure


def _look_for_chance(description: NetworkDescription, test: Scored, *, seed: int) -> HoldReason | None:
    """Return why the test figures are hardly better than guessing; None where they are better with 95 % certainty."""
    from inference.vision.comparison.bootstrap import estimate

    rows = [_judged(example, one) for example, one in test.judged]
    if description.task != "classification":
        defects = [pair for pair in test.judged if pair[0].is_defect]
        own = _value_of(make_figure(description, defects), len(defects)) if defects else 1.0
        return HoldReason(FINDS_LITTLE, {"value": own, "count": len(defects)}) if own < _LITTLE else None
    labels = sorted({one.label for one in rows})
    chance = 1.0 / max(2, len(labels))
    found = estimate(rows, _balanced_accuracy(labels, rows), seed=seed)
    if found is None or (found.low if found.low is not None else found.value) > chance:
        return None
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    n_parts = float(len({one.part for one in rows}))
    return HoldReason(
        NEAR_CHANCE,
        {"value": found.value, "from_value": low, "to_value": high, "chance": chance, "n_parts": n_parts},
    )


def _balanced_accuracy(
    labels: Sequence[str], rows: Sequence[Judged]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the mean share of right labels over the labels that are drawn: that of guessing is 1 over their number."""
    import numpy as np

    right = np.array([one.label == one.named for one in rows], np.float64)
    own = [np.array([one.label == label for one in rows], np.float64) for label in labels]

    def figure(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total, count = np.zeros(len(weights)), np.zeros(len(weights))
        for mine in own:
            drawn = weights @ mine
            total += np.divide(weights @ (mine * right), drawn, out=np.zeros(len(weights)), where=drawn > 0)
            count += drawn > 0
        found: NDArray[np.float64] = np.divide(total, count, out=np.full(len(weights), np.nan), where=count > 0)
        return found

    return figure


def _judged(example: Example, one: Judgment) -> Judged:
    from inference.vision.comparison.measures import Judged

    return Judged(example.key, example.part, example.label, example.is_defect, one.score, one.named)
