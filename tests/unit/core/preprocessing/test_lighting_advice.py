"""Which option would help a product: measured on its own images, and proposed only when it is clearly better."""

from __future__ import annotations

import numpy as np
import pytest

from core.accounts.people import open_person
from core.catalog.products import create_product
from core.errors import NotAllowed, NotFound, NotReady
from core.preprocessing.lighting_advice import OptionFigures, advise, choose, find_hints, list_candidates
from core.services import Services
from inference.vision.detection.made_up_defects import make_up_defects
from inference.vision.detection.option_trial import Trial, sureness
from inference.vision.images.illumination import IlluminationSurvey
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import Product
from tests.plates import plate

PLAIN = IlluminationSurvey(10, 120.0, 0.02, 150.0, 0.05, 1.0, has_color=False)


def _figures(name: str, auroc: float, sure: float, *, plain: float = 0.97) -> OptionFigures:
    return OptionFigures(name, Preprocessing(), auroc, plain, 0.1, sure)


def _trial(normal: list[float], defect: list[float]) -> Trial:
    scores = np.array([normal + defect, normal + defect], np.float32).T
    return Trial(0.0, 0.0, 0.0, scores, np.arange(len(scores)) >= len(normal))


def test_options_are_tried_on_the_products_own_images(plate_services: Services, plate_product: Product) -> None:
    steps: list[tuple[int, int]] = []
    engineer = open_person(plate_services, "engineer")
    region = Preprocessing(region_of_interest=(0.0, 0.0, 1.0, 0.9))
    advice = advise(plate_services, engineer, plate_product.id, region, lambda done, total: steps.append((done, total)))
    assert (advice.n_normal, advice.n_defect, advice.defects_made_up) == (10, 6, False)
    assert [found.name for found in advice.tried] == ["none", "normalize", "clahe", "equalize", "grayscale"][
        : len(advice.tried)
    ]
    assert steps[0][0] == 0
    assert steps[-1] == (len(advice.tried), len(advice.tried))
    assert all(0.0 <= found.auroc <= 1.0 and np.isfinite(found.illumination_rise) for found in advice.tried)
    assert all(found.options.region_of_interest == region.region_of_interest for found in advice.tried)
    assert advice.tried[0].auroc > 0.8
    assert advice.tried[0].sureness == 0.5


def test_product_without_enough_images_and_line_worker_are_refused(plate_services: Services) -> None:
    engineer = open_person(plate_services, "engineer")
    product = create_product(plate_services, engineer, name="Empty", code="empty")
    with pytest.raises(NotReady) as caught:
        advise(plate_services, engineer, product.id, Preprocessing(), lambda *_: None)
    assert caught.value.params == {"product": "Empty", "count": 0, "needed": 4}
    with pytest.raises(NotFound):
        advise(plate_services, engineer, 999, Preprocessing(), lambda *_: None)
    with pytest.raises(NotAllowed):
        advise(plate_services, open_person(plate_services, "worker"), product.id, Preprocessing(), lambda *_: None)


def test_options_that_could_change_nothing_are_not_tried() -> None:
    assert list(list_candidates(Preprocessing(), PLAIN, smoothing=True)) == ["none", "normalize", "clahe", "equalize"]
    colorful_and_noisy = IlluminationSurvey(10, 120.0, 0.02, 150.0, 0.05, 9.0, has_color=True)
    assert {"grayscale", "median"} <= set(list_candidates(Preprocessing(), colorful_and_noisy, smoothing=True))
    assert "median" not in list_candidates(Preprocessing(), colorful_and_noisy, smoothing=False)


def test_what_is_set_comes_first_and_once() -> None:
    found = list_candidates(Preprocessing(normalize=True, ignore=((0.0, 0.0, 0.1, 0.1),)), PLAIN, smoothing=True)
    assert list(found) == ["current", "none", "clahe", "equalize"]
    assert all(options.ignore for options in found.values())


def test_only_a_clear_gain_is_proposed() -> None:
    now = _figures("none", 0.90, 0.5)
    assert choose([now, _figures("clahe", 0.95, 0.80), _figures("normalize", 0.905, 0.99)]) is None
    assert choose([now, _figures("equalize", 0.99, 1.0, plain=0.95)]) is None
    better = [_figures("clahe", 0.93, 0.97), _figures("normalize", 0.94, 0.96)]
    proposed = choose([now, *better])
    assert proposed is not None
    assert proposed.name == "normalize"


def test_sureness_is_high_for_a_real_gain_and_even_for_none() -> None:
    poor = _trial([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7])
    good = _trial([1, 2, 3, 4, 5, 6], [12, 13, 14, 15, 16, 17])
    assert sureness(good, poor) > 0.95
    assert sureness(poor, good) < 0.05
    assert sureness(poor, poor) == 0.5


def test_made_up_defects_change_a_small_place_only_and_are_the_same_each_time() -> None:
    normals = [plate(seed) for seed in range(5)]
    first, second = list(make_up_defects(normals)), list(make_up_defects(normals))
    for normal, made, again in zip(normals, first, second, strict=True):
        assert np.array_equal(made, again)
        assert 0 < np.any(made != normal, axis=2).mean() < 0.02


def test_hints_name_what_the_images_show() -> None:
    assert find_hints(PLAIN) == ("steady",)
    dim = IlluminationSurvey(10, 30.0, 0.2, 40.0, 0.4, 6.0, has_color=False, warnings={"under_exposed": 3})
    assert find_hints(dim) == ("uneven", "low_contrast", "noise", "varying", "under_exposed")
