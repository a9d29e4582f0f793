"""The classifier on pooled levels: its evidence adds up to the logit, and rounding does not move it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inference.vision.learning.recipes.heads.pooled_trunk import join_classifier


class _AsItIs(torch.nn.Module):
    def forward(self, levels: torch.Tensor) -> list[torch.Tensor]:
        return [levels]


def _draw(peaks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return probabilities (N, 2) and activation (N, 2, 4, 4) of levels with one place as high as `peaks` (N,) say."""
    rng = np.random.default_rng(3)
    levels = torch.from_numpy(rng.random((1, 3, 4, 4)).astype(np.float32)).repeat(len(peaks), 1, 1, 1)
    levels[:, :, 1, 2] = 2.0
    levels[:, 0, 3, 3] = peaks
    head = rng.normal(0, 1, (2, 6)).astype(np.float32)
    with torch.inference_mode():
        found: tuple[torch.Tensor, torch.Tensor] = join_classifier(_AsItIs(), [3], head, np.zeros(2, np.float32))(
            levels
        )
    return found


def test_the_evidence_of_a_label_is_its_logit() -> None:
    probabilities, activation = _draw(torch.tensor([0.5, 1.999, 2.0, 3.0]))
    drawn = torch.softmax(activation.mean(dim=(2, 3)), dim=1)
    assert drawn.numpy() == pytest.approx(probabilities.numpy(), abs=1e-6)


@pytest.mark.parametrize("below", [1e-5, 1e-4, 1e-3, 1e-2])
def test_evidence_has_no_edge_where_two_runtimes_could_differ(below: float) -> None:
    share = 1.0 - below
    peaks = 2.0 * torch.tensor([share - 2e-6, share + 2e-6])
    _, activation = _draw(peaks)
    one, other = activation
    assert float((one - other).abs().max()) <= 1e-3 * float(activation.abs().max())
