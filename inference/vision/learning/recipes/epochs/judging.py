"""How good an epoch is: the logits of validation, their figures, and which of two is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.measures.classification import measure_classification
from inference.vision.learning.recipes.ticking import Ticker

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.recipes.contract import Listener
    from inference.vision.learning.recipes.epochs.batches import Batches
    from inference.vision.learning.recipes.epochs.plan import Plan, Side


def is_better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether (macro-F1, log loss) is better than another: macro-F1 first, equal to nine digits the loss."""
    first, second = round(one[0], 9), round(other[0], 9)
    return first > second or (first == second and one[1] < other[1])


def summarize(logits: np.ndarray, truth: NDArray[np.int64], count: int) -> dict[str, float]:
    """Return the figures of an epoch, of logits (N, K) and truth (N,)."""
    names = [str(place) for place in range(count)]
    figures = measure_classification(names, frozenset(), [names[one] for one in truth], logits, [""] * len(truth))
    return {"macro_f1": figures.macro_f1, "top1": figures.top1, "top5": figures.top5}


def compute_logits(
    module: torch.nn.Module, batches: Batches, places: NDArray[np.int64], plan: Plan, *, listener: Listener, side: Side
) -> NDArray[np.float64]:
    """Return the logits of images as they are, float64 (N, K). Raises ModelError(`training_diverged`)."""
    import torch

    module.eval()
    found = [np.zeros((0, plan.count))]
    ticker = Ticker(listener, "validation", len(places))
    size = max(1, plan.settings.batch_size)
    with torch.inference_mode(), ticker.watching(module):
        for start in range(0, len(places), size):
            inputs = [one.to(side.device) for one in batches.unchanged(places[start : start + size])]
            found.append(module(*inputs).float().cpu().numpy().astype(np.float64))
            ticker.set(min(start + size, len(places)))
    logits = np.concatenate(found)
    if not np.isfinite(logits).all():
        raise ModelError("training_diverged", epoch="", learning_rate=plan.settings.learning_rate)
    return logits
