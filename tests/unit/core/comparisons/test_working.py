"""Working a comparison off: a method that fails leaves the others, nothing is asked twice, two runs are alike."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import create_product
from core.comparisons.exports import make_file
from core.comparisons.orders import ComparisonOrder, read_order
from core.comparisons.overview import view_comparison
from core.comparisons.results import ComparisonResult
from core.comparisons.starting import cancel, go_on, start_comparison
from core.comparisons.wording import phrase_price
from core.comparisons.working import work_off
from core.datasets.freezing import create_dataset
from core.errors import BadInput, Conflict, NotAllowed
from core.images.edits import delete_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.jobs import claims
from core.jobs.terms import JobCancelled
from core.methods.training_sets import read_training_set
from core.methods.visual.choice import VisualChoice, choose_visual_model
from core.services import Services
from inference.vision.images.bit_depth import Window
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import Comparison, Image, ImagePreprocessing, Prediction, ProductView
from tests.compared_methods import ToySpec, build_product, toy_methods, work_next
from tests.language_servers import language_server


@pytest.fixture
def toys() -> Iterator[dict[str, ToySpec]]:
    with toy_methods() as found:
        yield found


def _order(toys: dict[str, ToySpec], *names: str, **more: object) -> ComparisonOrder:
    methods = [{"method": toys[name].name, "name": name} for name in names]
    return read_order({"product": "spots", "methods": methods, **more})


def _read(services: Services, comparison_id: int) -> tuple[Comparison, ComparisonResult]:
    with services.database.reading() as session:
        row = session.get(Comparison, comparison_id)
    assert row is not None
    result = ComparisonResult.from_json(json.loads(services.objects.get(row.result_key)))
    assert result is not None
    return row, result


def _rows(services: Services, comparison_id: int) -> list[Prediction]:
    with services.database.reading() as session:
        query = select(Prediction).where(Prediction.comparison_id == comparison_id)
        return list(session.exec(query).all())


def test_a_method_that_fails_is_rows_and_the_others_go_on(
    services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer)
    found = start_comparison(services, engineer, _order(toys, "broken", "absent", "gray"))
    assert work_next(services) is None
    row, result = _read(services, found)
    assert [one.key for one in result.entries] == ["broken", "absent", "gray"]
    gray = result.find("gray")
    assert gray is not None
    assert (gray.n, gray.n_parts, gray.errors) == (8, 8, 0)
    assert gray.value("f1") == 1.0
    assert gray.value("auroc") == 1.0
    assert gray.value("macro_f1") == 1.0
    assert gray.figures["iou"].value > 0.6
    assert gray.threshold_method == "f1_max"
    assert (gray.ms_p50, gray.ms_p95) == (2.0, 2.0)
    for key, code in (("broken", "config_invalid"), ("absent", "no_active_memory_bank")):
        failed = result.find(key)
        assert failed is not None
        assert (failed.errors, failed.value("f1"), failed.value("auroc")) == (8, 0.0, 0.0)
        assert failed.error is not None
        assert failed.error.code == code
    rows = _rows(services, found)
    assert len(rows) == 3 * 16
    assert {one.verdict for one in rows if one.method == "gray"} == {"ok", "reject"}
    assert all(
        one.score is None and one.error_code == "no_active_memory_bank" for one in rows if one.method == "absent"
    )
    assert all(services.objects.exists(one.map_key) for one in rows if one.method == "gray")
    shown = {(one.one, one.other) for one in result.differences if one.figure == "f1" and one.is_shown}
    assert shown == {("broken", "gray"), ("absent", "gray")}
    assert row.finished_at is not None
    assert ComparisonResult.from_json(row.summary) == result.without_curves()


def test_two_runs_are_the_same_to_the_last_digit(
    services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer)
    results = []
    for _ in range(2):
        found = start_comparison(services, engineer, _order(toys, "gray", "broken", seed=3))
        assert work_next(services) is None
        results.append(_read(services, found)[1])
    assert results[0].without_times().to_json() == results[1].without_times().to_json()


def test_after_a_kill_nothing_is_asked_twice(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> None:
    build_product(services, engineer)
    found = start_comparison(services, engineer, _order(toys, "gray"))

    class KilledError(BaseException):
        pass

    def kill(calls: int) -> None:
        if calls == 6:
            raise KilledError

    toys["gray"].fail = kill
    claim = claims.claim_next(services, "killed", lease_s=600.0)
    assert claim is not None
    with pytest.raises(KilledError):
        work_off(services, claim)
    assert len(_rows(services, found)) == 5
    claims.release(services, claim)
    assert work_next(services) is None
    assert len(_rows(services, found)) == 16
    assert toys["gray"].calls == 16 + 1  # the one that was being asked
    _, result = _read(services, found)
    entry = result.find("gray")
    assert entry is not None
    assert entry.value("f1") == 1.0


def test_a_cancel_stops_it_between_two_images(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> None:
    build_product(services, engineer)
    found = start_comparison(services, engineer, _order(toys, "gray"))
    claim = claims.claim_next(services, "tests", lease_s=600.0)
    assert claim is not None

    def stop(calls: int) -> None:
        if calls == 3:
            cancel(services, engineer, claim.job_id)

    toys["gray"].fail = stop
    with pytest.raises(JobCancelled):
        work_off(services, claim)
    assert len(_rows(services, found)) == 2


def test_views_are_compared_by_themselves_and_combined_by_part(
    services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer, views=("ct", "rgb"))
    order = _order(
        toys, "gray", "broken",
        combinations=[
            {"name": "both", "members": {"ct": "gray", "rgb": "gray"}},
            {"name": "any", "members": {"ct": "gray", "rgb": "gray"}, "rule": {"method": "voting", "votes": "any"}},
            {"name": "lame", "members": {"ct": "gray", "rgb": "broken"}},
        ],
    )  # fmt: skip
    found = start_comparison(services, engineer, order)
    assert work_next(services) is None
    _, result = _read(services, found)
    assert [one.key for one in result.entries] == [
        "gray@ct", "gray@rgb", "broken@ct", "broken@rgb", "both", "any", "lame",
    ]  # fmt: skip
    both = result.find("any")
    assert both is not None
    assert (both.n, both.view, both.errors) == (8, "ct+rgb", 0)
    assert both.value("auroc") == 1.0
    # Spots show in CT alone, scratches in RGB alone: neither view finds both.
    assert {view: round(one.auroc.value, 2) < 1.0 for view, one in both.alone.items()} == {"ct": True, "rgb": True}
    assert both.types is not None
    assert both.types.labels == ("good", "external", "internal")
    assert both.value("macro_f1") == 1.0
    lame = result.find("lame")
    assert lame is not None
    assert lame.error is not None
    assert lame.errors == lame.n == 8
    pairs = {frozenset((one.one, one.other)) for one in result.differences}
    assert frozenset(("gray@ct", "broken@ct")) in pairs
    assert frozenset(("both", "any")) in pairs
    assert frozenset(("gray@ct", "gray@rgb")) not in pairs
    assert frozenset(("gray@ct", "both")) not in pairs


def test_a_version_with_a_deleted_image_is_refused_and_ends_a_run(
    services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer)
    start_comparison(services, engineer, _order(toys, "gray", dataset=None))
    with services.database.reading() as session:
        version = session.exec(select(Comparison)).one().configuration["dataset"]
    delete_images(services, engineer, [1])
    error = work_next(services)
    assert error is not None
    assert error.code == "dataset_image_gone"
    with pytest.raises(Conflict, match="has been deleted"):
        start_comparison(services, engineer, _order(toys, "gray", dataset=version))
    # Without a version named, a new one is made of the images that are there.
    found = start_comparison(services, engineer, _order(toys, "gray"))
    assert work_next(services) is None
    assert _read(services, found)[1].dataset_number == 2


def test_a_failed_comparison_goes_on(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> None:
    build_product(services, engineer)
    found = start_comparison(services, engineer, _order(toys, "gray"))
    with services.database.reading() as session:
        row = session.get(Comparison, found)
    assert row is not None
    assert row.job_id is not None
    with pytest.raises(Conflict):
        go_on(services, engineer, row.job_id)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    claims.finish(services, claim, state="failed")
    go_on(services, engineer, row.job_id)
    assert work_next(services) is None
    assert _read(services, found)[1].find("gray") is not None


def test_who_may_start_and_what_is_refused(
    services: Services, engineer: Person, worker_person: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer)
    with pytest.raises(NotAllowed):
        start_comparison(services, worker_person, _order(toys, "gray"))
    methods = [{"method": toys["gray"].name, "views": ["ct"]}]
    with pytest.raises(BadInput, match="do not show the view"):
        start_comparison(services, engineer, read_order({"product": "spots", "methods": methods}))
    with pytest.raises(BadInput, match="which product"):
        start_comparison(services, engineer, read_order({"methods": [toys["gray"].name]}))


def test_a_method_reads_a_view_through_the_views_own_window(
    services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    product_id = build_product(services, engineer, views=("ct", "rgb"))
    own = Preprocessing(grayscale=True, window=Window(100, 5000))
    with services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=product_id, view="ct", options=own.to_dict()))
        session.commit()
    found = start_comparison(services, engineer, _order(toys, "gray"))
    with services.database.reading() as session:
        version_id = session.get_one(Comparison, found).dataset_version_id
    assert read_training_set(services, version_id, "ct").preprocessing == own
    assert read_training_set(services, version_id, "rgb").preprocessing == Preprocessing()


def test_the_pixels_of_a_16_bit_picture_are_those_within_the_views_window(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="판", code="deep")
    values = np.linspace(0, 65535, 48 * 40).reshape(40, 48).astype(np.uint16)
    file = IncomingFile("deep.png", lambda: cv2.imencode(".png", values)[1].tobytes())
    assert {
        one.outcome for one in add_images(services, engineer, product_id=product.id, image_type="normal", files=[file])
    } == {"added"}
    with services.database.unit_of_work() as session:
        session.add(ProductView(product_id=product.id, code="ct", name="CT"))
        session.exec(select(Image).where(Image.product_id == product.id)).one().view = "ct"
        window = Preprocessing(window=Window(0, 1000))
        session.add(ImagePreprocessing(product_id=product.id, view="ct", options=window.to_dict()))
        session.commit()
    version = create_dataset(services, engineer, product.id)
    (sample,) = read_training_set(services, version.id, "ct").samples
    pixels = sample.load()
    # Nearly all of the picture lies above the window.
    assert float((pixels == 255).mean()) > 0.97


def test_what_asking_a_server_costs_is_counted_by_image_and_told(services: Services, engineer: Person) -> None:
    build_product(services, engineer)
    with language_server() as server:
        said = {"verdict": "ok", "confidence": 0.9, "type": "", "boxes": [], "reason": "Nothing."}
        server.response = json.dumps(said)
        connected = replace(services, settings=replace(services.settings, vlm_base_url=f"{server.url}/v1"))
        choose_visual_model(connected, engineer, VisualChoice("compatible", "claude-haiku-4-5"))
        order = read_order({"product": "spots", "methods": [{"method": "vlm", "name": "vlm"}]})
        found = start_comparison(connected, engineer, order)
        assert work_next(connected) is None
    rows = _rows(connected, found)
    assert {tuple(sorted(row.bill)) for row in rows} == {("cost_usd", "input_tokens", "output_tokens", "requests")}
    _, result = _read(connected, found)
    (entry,) = result.entries
    assert entry.bill is not None
    assert (entry.bill.requests, entry.n_billed) == (16, 16)
    assert (entry.bill.input_tokens, entry.bill.output_tokens) == (16 * 321, 16 * 45)
    # A dollar for a million tokens in, five for a million out.
    assert entry.price_per_1000_usd == pytest.approx(1000 * (321 * 1.0 + 45 * 5.0) / 1e6)
    assert entry.to_json()["price_per_1000_usd"] == entry.price_per_1000_usd
    assert phrase_price(entry, lambda text, **values: text.format(**values)) == (
        "0.55 USD for 1,000 images (5,136 tokens in, 720 tokens out)"
    )
    table = make_file(connected, view_comparison(connected, found), "summary.csv", language="en").decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(table))
    assert (line["input_tokens"], line["output_tokens"]) == ("5136", "720")


def test_what_is_computed_here_costs_nothing(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> None:
    build_product(services, engineer)
    found = start_comparison(services, engineer, _order(toys, "gray"))
    assert work_next(services) is None
    (entry,) = _read(services, found)[1].entries
    assert (entry.bill, entry.price_per_1000_usd) == (None, 0.0)
