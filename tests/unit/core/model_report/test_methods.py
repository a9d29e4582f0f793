"""Thresholds by a calibration method with another parameter, without building anything."""

from __future__ import annotations

from typing import Any

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.errors import BadInput, NotAllowed, NotFound, NotReady
from core.model_report.methods import list_methods, propose_method
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.models.sources import BankGrowth, BankSources
from core.registry.thresholds import find_threshold
from core.registry.versions import list_versions
from core.services import Services
from core.transactions import writing
from inference.vision.detection.calibration import calibrate
from storage.tables import ModelVersion, Product
from tests.history_rows import add_product

GOOD = {f"image:{number}": 10 + 0.1 * number for number in range(1, 41)}
DEFECT = {f"image:{number}": 13.0 + 0.5 * (number - 100) for number in range(100, 115)}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _store(services: Services, product: Product, sources: BankSources, figures: BankFigures) -> int:
    version_id = list_versions(services, MEMORY_BANK, product.id)[0].id
    with writing(services) as session:
        row = session.get(ModelVersion, version_id)
        assert row is not None
        row.sources, row.metrics = sources.to_json(), figures.to_json()
        session.add(row)
        session.commit()
    return version_id


def _extendable(services: Services, product: Product, defects: dict[str, float] = DEFECT) -> int:
    growth = BankGrowth(1, "0" * 64, GOOD, 40, 0, 1.0)
    ids = tuple(int(key.removeprefix("image:")) for key in defects)
    # The score of a test image is kept beside them, and sets no threshold.
    scores = {**defects, "image:900": 1.0}
    return _store(services, product, BankSources(defect_ids=ids, growth=growth), BankFigures(defect_scores=scores))


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("percentile", {"percent": 99.0}, {"percentile": 99.0}),
        ("mean_std", {"k": 4.0}, {"k": 4.0}),
        ("f1_max", {}, {}),
    ],
)
def test_a_method_gives_what_a_build_would(
    services: Services,
    engineer: Person,
    product: Product,
    method: Any,
    given: dict[str, float],
    expected: dict[str, float],
) -> None:
    version_id = _extendable(services, product)
    found = propose_method(services, engineer, version_id, method, **given)
    built = calibrate(
        list(GOOD.values()), list(DEFECT.values()), method=method, **{"percentile": 98.0, "k": 3.0, **expected}
    )
    assert (found.review_at, found.reject_at) == (built.review_at, built.reject_at)
    assert (found.method, found.percent, found.k) == (method, given.get("percent"), given.get("k"))
    assert (found.figures.n_normal, found.figures.n_defect) == (40, 15)
    assert found.warnings == built.warnings
    # Nothing is stored.
    assert find_threshold(services, version_id).review_at == 20.0


def test_a_bank_that_cannot_be_extended_keeps_its_scores_too(
    services: Services, engineer: Person, product: Product
) -> None:
    version_id = _store(services, product, BankSources(), BankFigures(normal_scores=GOOD))
    found = propose_method(services, engineer, version_id, "percentile", percent=95.0)
    assert found.review_at == calibrate(list(GOOD.values()), [], percentile=95.0).review_at
    assert list_methods(services, version_id).methods == ("percentile", "mean_std")
    with pytest.raises(NotReady) as caught:
        propose_method(services, engineer, version_id, "f1_max")
    assert caught.value.code == "method_needs_defects"


def test_few_defects_move_a_percentile_into_the_gap_as_in_a_build(
    services: Services, engineer: Person, product: Product
) -> None:
    few = {"image:100": 30.0, "image:101": 33.0}
    found = propose_method(services, engineer, _extendable(services, product, few), "percentile", percent=98.0)
    built = calibrate(list(GOOD.values()), list(few.values()), percentile=98.0)
    assert (found.review_at, found.reject_at, found.method) == (built.review_at, built.reject_at, "percentile")


def test_a_version_without_scores_says_so(services: Services, engineer: Person, product: Product) -> None:
    version_id = list_versions(services, MEMORY_BANK, product.id)[0].id
    with pytest.raises(NotReady) as caught:
        propose_method(services, engineer, version_id, "percentile")
    assert caught.value.code == "calibration_scores_missing"
    choice = list_methods(services, version_id)
    assert (choice.methods, choice.n_good) == ((), 0)
    assert choice.obstacle is not None


@pytest.mark.parametrize(
    ("method", "given", "code"),
    [
        ("median", {}, "method_unknown"),
        ("manual", {}, "method_unknown"),
        ("percentile", {"percent": 100.0}, "method_percent_invalid"),
        ("percentile", {"percent": 49.9}, "method_percent_invalid"),
        ("percentile", {"percent": float("nan")}, "method_percent_invalid"),
        ("mean_std", {"k": 1.0}, "method_k_invalid"),
        ("mean_std", {"k": float("inf")}, "method_k_invalid"),
    ],
)
def test_a_bad_parameter_is_named(
    services: Services, engineer: Person, product: Product, method: str, given: dict[str, float], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        propose_method(services, engineer, _extendable(services, product), method, **given)
    assert caught.value.code == code


def test_only_an_engineer_proposes_and_only_for_a_memory_bank(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    with pytest.raises(NotAllowed):
        propose_method(services, worker_person, _extendable(services, product), "percentile")
    with pytest.raises(NotFound):
        propose_method(services, engineer, 10_000, "percentile")


def test_the_method_of_a_real_build_gives_its_thresholds_again(
    plate_services: Services, plate_product: Product
) -> None:
    engineer = open_person(plate_services, "engineer")
    version = next(row for row in list_versions(plate_services, MEMORY_BANK, plate_product.id) if row.active_key)
    built = find_threshold(plate_services, version.id)
    found = propose_method(plate_services, engineer, version.id, built.method)
    assert (found.review_at, found.reject_at) == pytest.approx((built.review_at, built.reject_at))
    assert list_methods(plate_services, version.id).n_good == found.figures.n_normal
