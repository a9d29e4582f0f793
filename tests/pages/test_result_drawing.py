"""What is drawn of a result: colors that hang on the thresholds, a scale that always holds the pointer."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest

from core.catalog.names import DefectTypeName
from core.inspections.colormap import color_heat
from core.inspections.pictures import draw_difference
from core.similarity.matches import Similar
from pages.components.inspection.score_scale import draw_scale
from pages.components.inspection.similar_summary import describe_closeness, explain_closeness, summarize
from pages.components.shared.language import escape, score, set_language


def test_a_good_part_stays_without_color() -> None:
    heat = color_heat(np.full((32, 32), 1.0, np.float32), review_at=2.0, reject_at=3.0)
    assert heat.shape == (32, 32, 4)
    assert heat.dtype == np.uint8
    assert not heat[..., 3].any()


def test_a_hole_is_opaque_where_it_is_and_nowhere_else() -> None:
    anomaly_map = np.full((40, 60), 0.5, np.float32)
    anomaly_map[10:14, 30:36] = 9.0
    heat = color_heat(anomaly_map, review_at=2.0, reject_at=3.0)
    assert heat[11, 32, 3] == 255
    assert heat[30, 5, 3] == 0


def test_the_same_score_has_the_same_color_on_every_part() -> None:
    mild = np.array([[0.0, 2.5]], np.float32)
    wild = np.array([[20.0, 2.5]], np.float32)
    colors = [color_heat(part, review_at=2.0, reject_at=3.0)[0, 1] for part in (mild, wild)]
    assert np.array_equal(*colors)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_map_with_broken_values_can_be_drawn(value: float) -> None:
    heat = color_heat(np.full((4, 4), value, np.float32), review_at=1.0, reject_at=1.0)
    assert heat.shape == (4, 4, 4)


def test_a_large_map_is_made_smaller_for_the_browser() -> None:
    heat = color_heat(np.ones((1500, 3000), np.float32), review_at=1.0, reject_at=2.0)
    assert heat.shape == (256, 512, 4)


def test_the_difference_of_an_image_with_itself_in_other_light_is_none() -> None:
    rng = np.random.default_rng(1)
    part = rng.integers(60, 160, (120, 160, 3), np.uint8)
    darker = (part * 0.7 + 10).astype(np.uint8)
    same = draw_difference(part, darker)
    assert np.ptp(same.astype(int), axis=2).max() < 40  # no color anywhere


def test_the_difference_shows_the_place() -> None:
    part = np.full((100, 100, 3), 120, np.uint8)
    part[::2] += 10
    normal = part.copy()
    part[40:60, 40:60] = 255
    drawn = draw_difference(part, normal).astype(int)
    color = drawn.max(axis=2) - drawn.min(axis=2)
    assert color[45:55, 45:55].mean() > 5 * max(1.0, color[:20, :20].mean())


def _pointer_percent(scale: str) -> float:
    found = re.search(r'<u style="left:([\d.]+)%', scale)
    assert found is not None
    return float(found[1])


@pytest.mark.parametrize(
    ("value", "review_at", "reject_at"), [(0.0, 1.0, 2.0), (1e9, 1.0, 2.0), (5.0, 0.0, 0.0), (1.5, 1.0, 2.0)]
)
def test_the_pointer_is_always_on_the_scale(value: float, review_at: float, reject_at: float) -> None:
    assert 0 <= _pointer_percent(draw_scale(value, review_at=review_at, reject_at=reject_at)) <= 100


def test_the_pointer_stands_beyond_the_threshold_that_the_score_reached() -> None:
    scale = draw_scale(3.0, review_at=2.0, reject_at=3.0)
    thresholds = [float(left) for left in re.findall(r'<span class="\w+" style="left:([\d.]+)%', scale)]
    assert _pointer_percent(scale) == pytest.approx(thresholds[1])
    assert thresholds[0] < thresholds[1]


def test_a_score_far_beyond_leaves_the_thresholds_their_room() -> None:
    scale = draw_scale(500.0, review_at=17.0, reject_at=20.0)
    first, second = (float(left) for left in re.findall(r'<span class="\w+" style="left:([\d.]+)%', scale))
    assert 30 < first < second
    assert _pointer_percent(scale) == 100


def test_a_score_never_rounds_onto_its_threshold() -> None:
    assert score(2.996) != score(3.004)


def test_data_cannot_become_markup_in_a_label() -> None:
    # The sign without width keeps an address from becoming a link.
    shown = escape("[x](http://evil) **bold** :red[no] <b>")
    assert shown == "\\[x\\]\\(http\\:\u2060//evil\\) \\*\\*bold\\*\\* \\:red\\[no\\] \\<b\\>"


def test_an_unknown_language_falls_back_to_english() -> None:
    set_language("xx")
    assert score(0.0) == "0"


def _similar(code: str, closeness: float | None) -> Similar:
    return Similar(
        image_id=1,
        stored_name="a.png",
        similarity=0.974,
        image_type="defect",
        defect_type=DefectTypeName(id=len(code), code=code, name_ko="", name_en=code.title()),
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        thumbnail_key="a.jpg",
        closeness=closeness,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], ""),
        ([("hole", 80.0)], "**Hole**"),
        ([("hole", 80.0), ("hole", 31.0)], "**All 2 are Hole**"),
        ([("burr", 80.0), ("hole", 70.0), ("hole", 60.0)], "**2 of 3 are Hole**  \nThe others: Burr\u00a01"),
        ([("hole", 29.9), ("hole", 0.0)], "**All 2 are Hole**  \nNone of them is really alike."),
        ([("hole", None), ("hole", None)], "**All 2 are Hole**"),
    ],
)
def test_similar_defects_are_summed_up_the_most_frequent_type_first(
    found: list[tuple[str, float | None]], said: str
) -> None:
    set_language("en")
    assert summarize([_similar(code, closeness) for code, closeness in found]) == said


def test_how_alike_is_told_on_the_products_scale_or_else_in_percent() -> None:
    set_language("en")
    assert describe_closeness(_similar("hole", 90.0)) == "nearly identical (90)"
    assert describe_closeness(_similar("hole", None)) == "97.4%"
    assert explain_closeness([]) is None
    assert "0 to 100" in str(explain_closeness([_similar("hole", 1.0)]))
    assert "cosine" in str(explain_closeness([_similar("hole", None)]))
