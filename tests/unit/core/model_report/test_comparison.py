"""Two versions on the same frozen test images, each by its own thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest  # type: ignore[import-untyped]

from core.access import Person
from core.errors import BadInput, NotFound, NotReady
from core.model_report.comparison import compare
from core.model_report.records import ScoredImage
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from storage.tables import Product
from tests.history_rows import add_product
from tests.scored_images import add_version, image, images, measure_as


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


@pytest.fixture
def pair(services: Services, product: Product) -> tuple[int, int]:
    """Return version 1 (Review from 20, NG from 25) and version 2, of half the scale."""
    first = list_versions(services, MEMORY_BANK, product.id)[0].id
    return first, add_version(services, product, review_at=10.0, reject_at=12.5)


def _scaled(scored: list[ScoredImage], factor: float) -> list[ScoredImage]:
    return [replace(one, score=one.score * factor) for one in scored]


def test_the_same_judge_on_another_scale_disagrees_with_nothing(services: Services, pair: tuple[int, int]) -> None:
    scored = images([5, 10, 22], [18, 23, 40])
    measure_as(services, pair[0], scored)
    measure_as(services, pair[1], _scaled(scored, 0.5))
    found = compare(services, *pair)
    assert (found.n_common, found.n_parts, found.n_only_a, found.n_only_b) == (6, 6, 0, 0)
    assert found.disagreements == ()
    assert found.a.confusion == found.b.confusion
    assert found.auroc is not None
    assert (found.auroc.value, found.auroc.low, found.auroc.high) == (0, 0, 0)
    assert found.escape is not None
    assert (found.escape.value, found.escape.p) == (0, None)


def test_what_is_judged_differently_is_named_defects_that_pass_first(services: Services, pair: tuple[int, int]) -> None:
    scored = images([5, 19], [21, 30, 40])
    measure_as(services, pair[0], scored)
    other = {5.0: 5.0, 19.0: 26.0, 21.0: 18.0, 30.0: 22.0, 40.0: 40.0}
    measure_as(services, pair[1], _scaled([replace(one, score=other[one.score]) for one in scored], 0.5))
    found = compare(services, *pair)
    told = [
        (one.image.defect_type, one.score_a, one.verdict_a, one.verdict_b, one.better) for one in found.disagreements
    ]
    assert told == [
        ("scratch", 21, "review", "ok", "a"),
        (None, 19, "ok", "reject", "a"),
        ("scratch", 30, "reject", "review", "a"),
    ]
    assert found.escape is not None
    assert found.escape.value == pytest.approx(1 / 3)
    assert found.stopped_good is not None
    assert found.stopped_good.value == pytest.approx(1 / 2)


def test_only_images_in_both_with_the_same_label_count(services: Services, pair: tuple[int, int]) -> None:
    common = images([5, 6, 7], [30, 31])
    relabeled = image(15, "scratch", number=50)
    measure_as(services, pair[0], [*common, relabeled, image(1, number=60)])
    measure_as(
        services, pair[1], _scaled([*common, replace(relabeled, defect_type=None), *images([8, 9], [])[1:]], 0.5)
    )
    found = compare(services, *pair)
    assert (found.n_common, found.n_only_a, found.n_only_b, found.n_relabeled) == (5, 1, 1, 1)


def test_better_ranking_is_found_with_its_bounds(services: Services, pair: tuple[int, int]) -> None:
    generator = np.random.default_rng(1)
    good, bad = generator.normal(15, 3, 80).clip(1), generator.normal(19, 3, 60).clip(1)
    first = [image(score, number=number) for number, score in enumerate(good)]
    first += [image(score, "scratch", number=100 + number) for number, score in enumerate(bad)]
    second = [replace(one, score=one.score + (6 if one.is_defect else 0)) for one in first]
    measure_as(services, pair[0], first)
    measure_as(services, pair[1], second)
    found = compare(services, *pair)
    assert found.auroc is not None
    assert 0 < found.auroc.low <= found.auroc.value <= found.auroc.high
    assert found.b.auroc is not None
    assert found.a.auroc is not None
    assert found.b.auroc.value - found.a.auroc.value == pytest.approx(found.auroc.value)


def test_mcnemar_counts_parts_and_not_images(services: Services, pair: tuple[int, int]) -> None:
    # Six parts with two exposures each that only version 1 stops, and four good parts.
    first = [
        image(30 + place, "scratch", part=f"d{number}", number=10 * number + place)
        for number in range(6)
        for place in (0, 1)
    ]
    good = images([1, 2, 3, 4], [])
    measure_as(services, pair[0], first + good)
    measure_as(services, pair[1], [replace(one, score=1.0) for one in first + good])
    found = compare(services, *pair)
    assert found.escape is not None
    assert found.escape.value == 1
    assert found.escape.p == pytest.approx(binomtest(0, 6).pvalue)
    assert found.stopped_good is not None
    assert found.stopped_good.p is None
    assert found.n_parts == 10


def test_what_cannot_be_compared_is_said(services: Services, engineer: Person, pair: tuple[int, int]) -> None:
    with pytest.raises(BadInput) as same:
        compare(services, pair[0], pair[0])
    assert same.value.code == "comparison_same_version"
    with pytest.raises(NotReady) as unmeasured:
        compare(services, *pair)
    assert unmeasured.value.code == "report_not_measured"
    measure_as(services, pair[0], images([1], [2]))
    measure_as(services, pair[1], images([3], [4]))
    with pytest.raises(NotReady) as apart:
        compare(services, *pair)
    assert apart.value.code == "comparison_without_images"
    other = list_versions(services, MEMORY_BANK, add_product(services, engineer, code="other").id)[0].id
    measure_as(services, other, images([1], [2]))
    with pytest.raises(BadInput) as elsewhere:
        compare(services, pair[0], other)
    assert elsewhere.value.code == "comparison_other_product"
    with pytest.raises(NotFound):
        compare(services, pair[0], 10_000)
