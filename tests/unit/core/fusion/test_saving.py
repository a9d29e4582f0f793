"""How views are combined: in force, saved, undone, recalibrated; only by engineers, never over somebody else's save."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.errors import BadInput, Conflict, NotAllowed, NotReady
from core.fusion.effect import FITTING, TEST, measure_effect, propose_thresholds, read_labeled_parts
from core.fusion.in_force import ensure_in_force, has_views, read_fusion
from core.fusion.records import THRESHOLDS
from core.fusion.rules import WantedRule, parse_rule
from core.fusion.saving import fit_weights_of, list_fusion, save_fusion, undo_fusion
from core.registry.thresholds import save_thresholds
from core.services import Services
from core.transactions import reading
from inference.vision.comparison.fusion import FusionRule
from storage.tables import AuditLog, FusionSetting, Product
from tests.viewed_plates import add_bank, add_view, measure, with_views

AVERAGE = FusionRule("weighted_average", weights={"ct": 0.7, "rgb": 0.3}, review_at=0.3, reject_at=0.6)


@pytest.fixture
def product(toy_services: Services) -> Product:
    found = find_product(toy_services, "plate")
    with_views(toy_services, found)
    return found


@pytest.fixture
def engineer(toy_services: Services) -> Person:
    return open_person(toy_services, "engineer")


def test_without_a_choice_any_view_counts_and_its_own_thresholds_hold(toy_services: Services, product: Product) -> None:
    found = read_fusion(toy_services, product.id)
    assert (found.entry.is_default, found.entry.rule.method, found.entry.rule.votes) == (True, "voting", "any")
    for code in ("ct", "rgb"):
        for score, at in ((30.0, found.entry.review_at), (50.0, found.entry.reject_at)):
            assert (found.entry.probability(code, score) or 0.0) >= at
            assert (found.entry.probability(code, score - 1) or 0.0) < at
    with reading(toy_services) as session:
        assert session.exec(select(FusionSetting)).all() == []


def test_the_default_is_written_down_once(toy_services: Services, product: Product) -> None:
    first = ensure_in_force(toy_services, product.id)
    assert ensure_in_force(toy_services, product.id) == first
    assert (first.id > 0, first.is_default) == (True, True)


def test_the_default_follows_the_thresholds_of_the_views(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    before = ensure_in_force(toy_services, product.id)
    version = before.calibrations["ct"].version_id
    with reading(toy_services) as session:
        from core.registry.versions import current_threshold

        seen = current_threshold(session, version).id
    save_thresholds(toy_services, engineer, version, 20.0, 25.0, reason="stricter", seen_id=seen)
    after = ensure_in_force(toy_services, product.id)
    assert after.review_at < before.review_at
    assert after.reject_at < before.reject_at


def test_a_saved_rule_is_in_force_and_audited(toy_services: Services, product: Product, engineer: Person) -> None:
    saved = save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="CT tells more", seen_id=0)
    assert read_fusion(toy_services, product.id).entry == saved
    assert (saved.rule, saved.is_default, saved.saved_by) == (AVERAGE, False, engineer.display_name)
    with reading(toy_services) as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "fusion.changed")).one()
    assert row.details["reason"] == "CT tells more"


def test_workers_and_late_saves_and_silent_ones_are_refused(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    wanted = WantedRule(AVERAGE)
    with pytest.raises(NotAllowed):
        save_fusion(toy_services, open_person(toy_services, "worker"), product.id, wanted, reason="x", seen_id=None)
    with pytest.raises(BadInput, match="Say why"):
        save_fusion(toy_services, engineer, product.id, wanted, reason=" ", seen_id=None)
    save_fusion(toy_services, engineer, product.id, wanted, reason="first", seen_id=0)
    with pytest.raises(Conflict) as refused:
        save_fusion(toy_services, engineer, product.id, wanted, reason="second", seen_id=0)
    assert refused.value.code == "fusion_changed"


def test_undo_brings_back_the_rule_before(toy_services: Services, product: Product, engineer: Person) -> None:
    save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="a", seen_id=None)
    voting = FusionRule("voting", votes="majority")
    save_fusion(toy_services, engineer, product.id, WantedRule(voting), reason="b", seen_id=None)
    add_bank(toy_services, product.id, "ct", number=2)
    ensure_in_force(toy_services, product.id)
    assert undo_fusion(toy_services, engineer, product.id, reason="back", seen_id=None).rule == AVERAGE
    assert undo_fusion(toy_services, engineer, product.id, reason="forth", seen_id=None).rule == voting
    assert [entry.reason for entry in list_fusion(toy_services, product.id)] == ["forth", "back", "", "b", "a"]


def test_undoing_the_first_saved_rule_brings_back_the_default(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    with pytest.raises(Conflict) as refused:
        undo_fusion(toy_services, engineer, product.id, reason="back", seen_id=None)
    assert refused.value.code == "fusion_nothing_to_undo"
    default = read_fusion(toy_services, product.id).entry
    saved = save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="a", seen_id=None)
    undone = undo_fusion(toy_services, engineer, product.id, reason="back", seen_id=saved.id)
    assert (undone.rule, undone.is_default, undone.reason) == (default.rule, True, "back")
    assert not read_fusion(toy_services, product.id).is_stale
    assert ensure_in_force(toy_services, product.id).id == undone.id
    assert undo_fusion(toy_services, engineer, product.id, reason="forth", seen_id=undone.id).rule == AVERAGE


def test_a_default_that_an_inspection_wrote_down_comes_back_as_the_default(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    written = ensure_in_force(toy_services, product.id)
    with pytest.raises(Conflict):
        undo_fusion(toy_services, engineer, product.id, reason="back", seen_id=None)
    save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="a", seen_id=None)
    undone = undo_fusion(toy_services, engineer, product.id, reason="back", seen_id=None)
    assert (undone.rule, undone.is_default) == (written.rule, True)


def test_another_bank_makes_the_calibration_stale(toy_services: Services, product: Product, engineer: Person) -> None:
    saved = save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="a", seen_id=None)
    second = add_bank(toy_services, product.id, "rgb", number=2)
    found = read_fusion(toy_services, product.id)
    assert (found.stale_views, found.is_stale, found.entry.id) == (("rgb",), True, saved.id)
    written = ensure_in_force(toy_services, product.id)
    assert (written.rule, written.is_recalibrated, written.calibrations["rgb"].version_id) == (AVERAGE, True, second)
    assert not read_fusion(toy_services, product.id).is_stale


def test_a_rule_that_does_not_know_a_new_view_gives_way_to_the_default(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="a", seen_id=None)
    add_view(toy_services, product.id, "top", found_as="external")
    found = read_fusion(toy_services, product.id)
    assert (found.outdated_rule, found.entry.is_default, found.entry.rule.method) == (True, True, "voting")
    assert found.unbuilt_views == ("top",)


def test_a_bank_without_scores_is_calibrated_by_its_thresholds(toy_services: Services, product: Product) -> None:
    add_bank(toy_services, product.id, "ct", number=2, scored=False)
    found = read_fusion(toy_services, product.id).entry.calibrations["ct"]
    assert found.origin == THRESHOLDS
    assert found.calibration.probability(30.0) == pytest.approx(0.5)


def test_a_product_without_views_says_what_to_do(toy_services: Services) -> None:
    plain = find_product(toy_services, "plate")
    assert not has_views(toy_services, plain.id)
    with pytest.raises(NotReady) as refused:
        read_fusion(toy_services, plain.id)
    assert refused.value.code == "fusion_without_views"


def _measure(services: Services, product: Product, **scores: Mapping[str, tuple[float, str | None]]) -> None:
    entry = ensure_in_force(services, product.id)
    for code, found in scores.items():
        measure(services, entry.calibrations[code].version_id, dict(found))


def test_the_effect_is_counted_on_whole_parts_of_the_test(toy_services: Services, product: Product) -> None:
    _measure(
        toy_services,
        product,
        ct={"g1": (15.0, None), "g2": (90.0, None), "d1": (90.0, "spot"), "d2": (15.0, None), "d3": (15.0, "spot"),
            "alone": (15.0, None)},
        rgb={"g1": (15.0, None), "g2": (15.0, None), "d1": (90.0, "scratch"), "d2": (90.0, "scratch"),
             "d3": (15.0, None)},
    )  # fmt: skip
    labeled = read_labeled_parts(toy_services, product.id)
    assert (labeled.origin, labeled.n_good, labeled.n_defect, labeled.n_incomplete) == (TEST, 2, 3, 1)
    assert {part.part: part.found_as for part in labeled.parts if part.is_defect} == {
        "d1": "combined", "d2": "external", "d3": "internal",
    }  # fmt: skip
    effect = measure_effect(read_fusion(toy_services, product.id).entry.rule, labeled)
    assert (effect.overkill.count, effect.overkill.total) == (1, 2)
    assert (effect.escape.count, effect.escape.total) == (1, 3)
    assert (effect.named.count, effect.named.total) == (2, 2)
    assert effect.auroc is not None
    assert set(effect.view_aurocs) == {"ct", "rgb"}
    assert effect.to_json()["overkill"]["rate"] == 0.5


def test_proposed_thresholds_separate_the_parts(toy_services: Services, product: Product) -> None:
    _measure(
        toy_services,
        product,
        ct={"g": (15.0, None), "d": (90.0, "spot")},
        rgb={"g": (15.0, None), "d": (15.0, None)},
    )
    labeled = read_labeled_parts(toy_services, product.id)
    rule = FusionRule("voting")
    low, high = propose_thresholds(rule, labeled)
    good, bad = (max(part.pictures["ct"]) for part in sorted(labeled.parts, key=lambda one: one.is_defect))
    assert good < low < high < bad


def test_without_test_parts_those_of_the_calibration_are_counted(toy_services: Services, product: Product) -> None:
    assert read_labeled_parts(toy_services, product.id).origin == FITTING


def test_weights_are_fitted_to_parts_that_all_views_show(
    toy_services: Services, product: Product, engineer: Person
) -> None:
    wanted = parse_rule(
        "{method: weighted_average, weights: fitted}", read_fusion(toy_services, product.id).entry.views
    )
    # Both toy banks scored the same images, by which parts are told where no part is named.
    saved = save_fusion(toy_services, engineer, product.id, wanted, reason="fit", seen_id=None)
    assert saved.n_fitted == 52
    assert sum(saved.rule.weights.values()) == pytest.approx(1.0, abs=1e-3)
    assert fit_weights_of(toy_services, engineer, product.id, AVERAGE).weights == saved.rule.weights
    in_form = WantedRule(fit_weights_of(toy_services, engineer, product.id, AVERAGE))
    assert (
        save_fusion(toy_services, engineer, product.id, in_form, reason="fit in the form", seen_id=None).n_fitted == 52
    )
    typed = save_fusion(toy_services, engineer, product.id, WantedRule(AVERAGE), reason="typed", seen_id=None)
    assert typed.n_fitted is None
    add_bank(toy_services, product.id, "ct", number=2)
    with pytest.raises(BadInput) as refused:
        save_fusion(toy_services, engineer, product.id, wanted, reason="fit", seen_id=None)
    assert refused.value.code == "fusion_parts_missing"
