"""A few more good images extend the memory bank in use; anything else builds it whole, and no fault fails the build."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.deployments import estimates
from core.deployments.kinds import bank_extension
from core.deployments.kinds.bank_extension import find_extension
from core.deployments.kinds.registry import find_steps
from core.images import edits, uploads
from core.images.exposures.edits import assign_part
from core.images.records import IncomingFile
from core.images.training import training_rows
from core.inspections import inspection
from core.jobs import views
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.preprocessing.input_choices import read_input_choice
from core.registry import fingerprints, model_status
from core.registry.lineage import count_added
from core.registry.versions import activate, active_version, current_threshold, list_versions
from core.services import Services
from inference.errors import ModelError
from inference.vision.detection.features import feature_extraction
from inference.vision.detection.features.patches import compute_patches
from inference.vision.detection.patchcore import patchcore
from inference.vision.detection.patchcore.patchcore import PatchCore
from storage.tables import Image, ImagePreprocessing, ModelParam, ModelVersion, Product
from tests.plates import deploy, encode, plate, seed_of

BANK = MEMORY_BANK


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images were given to the network by each call while features were taken; not while inspecting."""
    counts: list[int] = []

    def count(runtime: Any, batch: np.ndarray, **options: Any) -> Any:
        counts.append(len(batch))
        return compute_patches(runtime, batch, **options)

    monkeypatch.setattr(feature_extraction, "compute_patches", count)
    return counts


def _add(services: Services, person: Person, product: Product, *seeds: int, dim: float = 1.0) -> list[int]:
    contents = [encode((plate(seed) * dim).astype(np.uint8)) for seed in seeds]
    outcomes = uploads.add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        files=[
            IncomingFile(f"{seed}.png", lambda data=data: data)  # type: ignore[misc]
            for seed, data in zip(seeds, contents, strict=True)
        ],
    )
    return [outcome.image_id or 0 for outcome in outcomes]


def _build(services: Services, product: Product) -> tuple[ModelVersion, list[str]]:
    """Deploy; answers the version that is active then, and the codes of the job's log."""
    deploy(services, product.id, kinds=(BANK,))
    view = views.list_jobs(services, kind=BANK)[0]
    assert view.state == "succeeded", view.log
    with services.database.reading() as session:
        version = active_version(session, BANK, product.id)
    assert version is not None
    return version, [line.code for line in view.log]


def _can_extend(services: Services, product: Product) -> bool:
    with services.database.reading() as session:
        return find_extension(session, product.id) is not None


def _verdicts(services: Services, product: Product) -> list[str]:
    defects = [(kind, seed_of("test", kind, number)) for kind in ("good", "scratch", "spot") for number in range(3)]
    return [
        inspection.examine(services, product_id=product.id, data=encode(plate(seed, kind)), file_name="a.png").verdict
        for kind, seed in defects
    ]


def test_new_images_extend_the_bank_and_the_old_ones_are_not_computed_again(
    plate_services: Services, plate_product: Product, person: Person, extracted: list[int]
) -> None:
    (before,) = list_versions(plate_services, BANK, plate_product.id)
    added = _add(plate_services, person, plate_product, 8801, 8802)
    version, codes = _build(plate_services, plate_product)
    # The first is looked at twice: its features say how large they are.
    assert sum(extracted) == 1 + len(added)
    assert codes[:5] == ["log_build_started", "log_bank_extended", "log_calibrated", "log_measured", "log_activated"]
    assert (before.number, version.number) == (1, 2)
    assert count_added(before) is None
    assert count_added(version) == 2
    assert version.sources["image_ids"]["normal"] == [*before.sources["image_ids"]["normal"], *added]
    model = plate_services.models.memory_bank(version)
    assert model.training_keys[-2:] == tuple(f"image:{image_id}" for image_id in added)
    states = model_status.model_states(plate_services)
    assert states[(BANK, plate_product.id)].state == "current"


def test_the_calibration_stands_on_the_old_scores_and_the_new(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    (before,) = list_versions(plate_services, BANK, plate_product.id)
    old_scores = before.sources["growth"]["normal_scores"]
    assert len(old_scores) == 10
    (added,) = _add(plate_services, person, plate_product, 8803)
    seen_before = inspection.examine(
        plate_services, product_id=plate_product.id, data=encode(plate(8803)), file_name="a.png"
    ).detection.score
    version, _ = _build(plate_services, plate_product)
    scores = version.sources["growth"]["normal_scores"]
    assert {key: scores[key] for key in old_scores} == old_scores
    assert scores[f"image:{added}"] == pytest.approx(seen_before, rel=1e-4)
    with plate_services.database.reading() as session:
        figures = current_threshold(session, version.id).figures
    assert figures["n_normal"] == 11
    assert figures["normal_mean"] == pytest.approx(np.mean(list(scores.values())))


def test_an_extended_bank_and_a_whole_one_judge_alike(
    plate_services: Services, plate_product: Product, person: Person, extracted: list[int]
) -> None:
    _add(plate_services, person, plate_product, 8804, 8805)
    extended, _ = _build(plate_services, plate_product)
    of_extended = _verdicts(plate_services, plate_product)
    extracted.clear()
    # What is up to date is built whole when it is asked for.
    whole, codes = _build(plate_services, plate_product)
    # Five tell how color is scaled to the features, and the first once more how large these are; the six labeled
    # defects teach the head. Before that the plain way of looking is tried on the good images and as many made-up
    # defects, which leaves nothing to gain.
    assert sum(extracted) == 5 + 1 + 12 + 1 + 6 + (5 + 1 + 12 + 1 + 12)
    assert "log_bank_extended" not in codes
    assert (count_added(extended), count_added(whole)) == (2, None)
    assert whole.sources["growth"]["n_since_whole"] == 0
    assert of_extended == _verdicts(plate_services, plate_product)
    assert extended.metrics["image_auroc"] == pytest.approx(whole.metrics["image_auroc"], abs=0.01)
    assert whole.metrics["bank_size"] <= extended.metrics["bank_size"] <= 1.25 * whole.metrics["bank_size"]


def test_extensions_end_where_the_images_became_half_as_many_again(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    found = []
    for seeds in ((1, 2), (3, 4), (5, 6), (7, 8)):
        _add(plate_services, person, plate_product, *(8810 + seed for seed in seeds))
        version, _ = _build(plate_services, plate_product)
        found.append((count_added(version), version.sources["growth"]["n_since_whole"]))
    # 10 images; 2 and 4 more are few, 6 more are above the half; the 16 then are whole again.
    assert found == [(2, 2), (2, 4), (None, 0), (2, 2)]


def _add_many(services: Services, person: Person, product: Product) -> None:
    _add(services, person, product, *range(8830, 8833))  # above a quarter of 10


def _remove_one(services: Services, person: Person, product: Product) -> None:
    with services.database.reading() as session:
        first = session.exec(select(Image.id).where(Image.image_type == "normal", Image.split == "train")).first()
    edits.delete_images(services, person, [first or 0])


def _preprocess(services: Services, _person: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=product.id, options={"grayscale": True}))
        session.commit()


def _write_unknown_option(services: Services, _person: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=product.id, options={"of_a_later_release": 3}))
        session.commit()


def _choose_options(services: Services, _person: Person, _product: Product) -> None:
    with services.database.unit_of_work() as session:
        session.add(
            ModelParam(purpose="detection", model_name="patchcore-efficientnet_lite0", options={"input_size_px": 256})
        )
        session.commit()


def _change_content(services: Services, _person: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        first = session.exec(select(Image.id).where(Image.image_type == "normal", Image.split == "train")).first()
        session.execute(update(Image).where(col(Image.id) == first).values(content_sha256="0" * 64))
        session.commit()


def _raise_revision(services: Services, _person: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        row = active_version(session, BANK, product.id)
        assert row is not None
        growth = {**row.sources["growth"], "revision": fingerprints.BUILD_REVISION - 1}
        row.sources = {**row.sources, "growth": growth}
        session.add(row)
        session.commit()


def _drop_growth(services: Services, _person: Person, product: Product) -> None:
    with services.database.unit_of_work() as session:
        row = active_version(session, BANK, product.id)
        assert row is not None
        row.sources = {key: value for key, value in row.sources.items() if key != "growth"}
        session.add(row)
        session.commit()


Change = Callable[[Services, Person, Product], None]


@pytest.mark.parametrize(
    "change",
    [
        _add_many,
        _remove_one,
        _preprocess,
        _write_unknown_option,
        _choose_options,
        _change_content,
        _raise_revision,
        _drop_growth,
    ],
)
def test_what_changed_otherwise_is_built_whole(
    change: Change, plate_services: Services, plate_product: Product, person: Person
) -> None:
    assert not _can_extend(plate_services, plate_product)  # nothing is new
    _add(plate_services, person, plate_product, 8820)
    assert _can_extend(plate_services, plate_product)
    change(plate_services, person, plate_product)
    assert not _can_extend(plate_services, plate_product)


def test_the_bank_is_whole_after_an_image_was_removed(
    plate_services: Services, plate_product: Product, person: Person, extracted: list[int]
) -> None:
    _add(plate_services, person, plate_product, 8821)
    _remove_one(plate_services, person, plate_product)
    version, _ = _build(plate_services, plate_product)
    assert sum(extracted) == 5 + 1 + 10 + 1 + 6
    assert count_added(version) is None
    with plate_services.database.reading() as session:
        ids = set(session.exec(select(Image.id).where(Image.image_type == "normal", Image.split == "train")).all())
    assert {int(key.removeprefix("image:")) for key in plate_services.models.memory_bank(version).training_keys} == ids


def test_what_was_built_from_this_already_is_built_whole(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    (first,) = list_versions(plate_services, BANK, plate_product.id)
    _add(plate_services, person, plate_product, 8822)
    extended, _ = _build(plate_services, plate_product)
    assert count_added(extended) == 1
    activate(plate_services, person, first.id)
    version, _ = _build(plate_services, plate_product)
    assert count_added(version) is None


def _damage(services: Services, version: ModelVersion) -> None:
    key = version.object_prefix + "tensors.safetensors"
    services.objects.put(key, services.objects.get(key)[:-9] + b"123456789")


def _lose(services: Services, version: ModelVersion) -> None:
    services.objects.delete(version.object_prefix + "manifest.json")


def _lose_all(services: Services, version: ModelVersion) -> None:
    services.objects.delete_prefix(version.object_prefix)


@pytest.mark.parametrize("fault", [_damage, _lose, _lose_all])
def test_a_bundle_that_cannot_be_opened_leads_to_a_whole_build(
    fault: Callable[[Services, ModelVersion], None],
    plate_services: Services,
    plate_product: Product,
    person: Person,
) -> None:
    (before,) = list_versions(plate_services, BANK, plate_product.id)
    fault(plate_services, before)
    plate_services.models.evict(before)
    _add(plate_services, person, plate_product, 8823)
    version, codes = _build(plate_services, plate_product)
    assert (version.number, count_added(version)) == (2, None)
    assert codes[:3] == ["log_build_started", "log_bank_not_extended", "log_calibrated"]
    (line,) = [line for line in views.list_jobs(plate_services, kind=BANK)[0].log if "not_extended" in line.code]
    assert line.params["reason"]


def test_a_fault_while_the_new_images_are_looked_at_leads_to_a_whole_build(
    plate_services: Services, plate_product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_options: object) -> object:
        raise ModelError("out_of_memory")

    monkeypatch.setattr(PatchCore, "extend", fail)
    _add(plate_services, person, plate_product, 8824)
    version, codes = _build(plate_services, plate_product)
    assert (version.number, count_added(version)) == (2, None)
    assert "log_bank_not_extended" in codes


def test_new_images_in_another_light_lead_to_a_whole_build(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    _add(plate_services, person, plate_product, 8825, 8826, dim=0.3)
    version, codes = _build(plate_services, plate_product)
    assert count_added(version) is None
    assert "log_bank_lit_otherwise" in codes


def test_a_bank_that_would_be_too_wide_is_built_whole(
    plate_services: Services, plate_product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_extension, "WIDEST", 0.99)
    _add(plate_services, person, plate_product, 8827)
    version, codes = _build(plate_services, plate_product)
    assert count_added(version) is None
    assert "log_bank_too_wide" in codes


def test_other_weights_of_the_same_network_lead_to_a_whole_build(
    plate_services: Services, plate_product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patchcore, "hash_weights", lambda _path: "0" * 64)
    _add(plate_services, person, plate_product, 8828)
    _, codes = _build(plate_services, plate_product)
    assert "log_bank_set_otherwise" in codes


def test_the_estimate_counts_only_the_images_that_are_new(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    def cost_s() -> float:
        with plate_services.database.reading() as session:
            return estimates.product_cost_s(session, BANK, plate_product.id)

    whole_s = cost_s()
    _add(plate_services, person, plate_product, 8829)
    with plate_services.database.reading() as session:
        image_s = find_steps(BANK).cost_of_choice(session, plate_product.id).image_s
    # 10 old ones fewer, one more.
    assert cost_s() == pytest.approx(whole_s - 9 * image_s)
    assert estimates.estimate(plate_services, BANK, [plate_product.id]).n_images == 17


def test_another_detector_is_not_extended(plate_services: Services, plate_product: Product, person: Person) -> None:
    _add(plate_services, person, plate_product, 8830)
    with plate_services.database.unit_of_work() as session:
        version = active_version(session, BANK, plate_product.id)
        assert version is not None
        version.model_name = "padim-efficientnet_lite0"
        session.add(version)
        session.add(ModelParam(purpose="detection", model_name="padim-efficientnet_lite0", options={}))
        session.commit()
    assert not _can_extend(plate_services, plate_product)


def test_a_new_exposure_of_a_part_in_the_bank_has_no_score_of_an_unseen_image(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.reading() as session:
        first = training_rows(session, plate_product.id, "normal")[0]
    assign_part(plate_services, person, [first.id], "piece 1")
    before, codes = _build(plate_services, plate_product)
    assert "log_bank_extended" not in codes
    again, other = _add(plate_services, person, plate_product, 8811, 8812)
    assign_part(plate_services, person, [again], "piece 1")
    assert _can_extend(plate_services, plate_product)
    version, codes = _build(plate_services, plate_product)
    assert "log_bank_extended" in codes
    new = set(version.sources["growth"]["normal_scores"]) - set(before.sources["growth"]["normal_scores"])
    assert new == {f"image:{other}"}


def test_naming_the_part_of_an_old_image_builds_the_bank_whole(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    _add(plate_services, person, plate_product, 8821)
    assert _can_extend(plate_services, plate_product)
    with plate_services.database.reading() as session:
        rows = training_rows(session, plate_product.id, "normal")
    assign_part(plate_services, person, [rows[0].id, rows[1].id], "piece 1")
    assert not _can_extend(plate_services, plate_product)


def test_a_whole_build_compares_ways_of_looking_and_an_extension_keeps_what_was_chosen(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    first = read_input_choice(plate_services, plate_product.id)
    assert first is not None
    assert (first.chosen, first.reason, first.compared) == ("plain", "few_images", False)
    _add(plate_services, person, plate_product, *range(8830, 8834))
    version, codes = _build(plate_services, plate_product)
    assert count_added(version) is None
    assert {"log_input_chosen", "log_input_time"} <= set(codes)
    chosen = read_input_choice(plate_services, plate_product.id)
    assert chosen is not None
    assert chosen.compared
    assert (chosen.n_normal, chosen.n_defect, chosen.made_up) == (14, 14, True)
    bank = plate_services.models.memory_bank(version)
    assert isinstance(bank, PatchCore)
    assert (bank.config.local_contrast > 0.0) is (chosen.chosen != "plain")
    _add(plate_services, person, plate_product, 8835)
    version, codes = _build(plate_services, plate_product)
    assert count_added(version) == 1
    assert "log_input_chosen" not in codes
    assert BankFigures.from_json(version.metrics).input_choice == chosen
    grown = plate_services.models.memory_bank(version)
    assert isinstance(grown, PatchCore)
    assert grown.config == bank.config
