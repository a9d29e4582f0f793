"""The bounds that a screen looks up are those of the rates themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.model_report.bounds import escape_bounds, overkill_bounds
from core.model_report.confusion import confusion_at
from tests.scored_images import images


@pytest.mark.parametrize("n_parts", [70, 11, 1])
def test_every_count_has_the_bound_of_its_rate(n_parts: int) -> None:
    generator = np.random.default_rng(n_parts)
    good, defects = generator.normal(10, 2, 40), generator.normal(13, 3, 30)
    scored = [
        replace(one, part=f"{one.is_defect} {number % n_parts}")
        for number, one in enumerate(images(good.tolist(), defects.tolist()))
    ]
    escapes, overkills = escape_bounds(scored), overkill_bounds(scored)
    assert (len(escapes), len(overkills)) == (31, 41)
    for at in np.linspace(4, 22, 37):
        table = confusion_at(scored, float(at), float(at))
        assert escapes[table.escape.count] == pytest.approx(table.escape.high)
        assert overkills[table.overkill.count] == pytest.approx(table.overkill.high)


def test_without_images_nothing_is_known() -> None:
    assert escape_bounds([]) == overkill_bounds([]) == (1.0,)
