"""What a detector costs that nobody has heard of: its own lines and one registration, and all use cases know it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.access import Person
from core.deployments import estimates, graph_preparation
from core.deployments.kinds.bank_extension import find_extension
from core.deployments.trials import try_model
from core.errors import BadInput, NotFound
from core.inspections.inspection import inspect
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION, find_option, list_options
from core.preprocessing.tile_advice import advise_on_tiles
from core.registry.choices import choose
from core.registry.model_status import model_states
from core.registry.versions import active_version
from core.services import Services, build_services
from inference.errors import ModelError
from inference.vision.detection import registry
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import Product
from tests.plates import deploy, encode, ingest_plates, plate, seed_of
from tests.toy_detector import ToyModel, ToySpec


@pytest.fixture
def toy() -> Iterator[ToySpec]:
    spec = ToySpec()
    registry.register(spec)
    yield spec
    if spec in registry.list_detectors():
        registry.unregister(spec.name)


@pytest.fixture
def product(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return ingest_plates(services, tmp_path_factory.mktemp("plates"))


def _choose(services: Services, engineer: Person, **options: int) -> None:
    choose(services, engineer, purpose=DETECTION, name="toy", options=options, row_version=0)


def test_a_registered_detector_is_chosen_built_activated_and_inspects(
    toy: ToySpec, services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    product_id = product.id
    assert [option.name for option in list_options(DETECTION)][-1] == "toy"
    _choose(services, engineer, side_px=20)
    deploy(services, product_id, kinds=(MEMORY_BANK,))

    with services.database.reading() as session:
        version = active_version(session, MEMORY_BANK, product_id)
        assert version is not None
        assert find_extension(session, product_id) is None
    state = model_states(services)[(MEMORY_BANK, product_id)]
    assert (state.state, state.active) == ("current", version)
    assert (version.model_name, version.metrics["detector"], version.metrics["n_pictures"]) == ("toy", "toy", 10)
    assert version.metrics["image_auroc"] > 0.9
    assert version.sources["options"] == {"side_px": 20}

    def give_verdict(by: Services, kind: str) -> str:
        data = encode(plate(seed_of("test", kind, 50), kind))
        return inspect(by, worker_person, product_id=product_id, data=data, file_name="part.png").record.verdict

    assert (give_verdict(services, "good"), give_verdict(services, "spot")) == ("ok", "reject")
    # Another process reads it from the store, and proves its reference image first.
    again = build_services(services.settings)
    again.models.verify(version)
    loaded = again.models.memory_bank(version)
    assert isinstance(loaded, ToyModel)
    assert loaded.input_size_px == (20, 20)
    assert give_verdict(again, "spot") == "reject"
    again.database.dispose()

    registry.unregister(toy.name)
    assert find_option("toy") is None
    with pytest.raises(ModelError) as caught:
        build_services(services.settings).models.memory_bank(version)
    assert caught.value.code == "detector_unknown"


def test_what_is_asked_before_a_build_knows_it_too(
    toy: ToySpec, services: Services, engineer: Person, product: Product
) -> None:
    product_id = product.id
    with pytest.raises(BadInput):
        _choose(services, engineer, side_px=4000)
    trial = try_model(services, engineer, name="toy", options={"side_px": 24}, product_id=product_id)
    assert (trial.runtime, trial.n_images) == ("numpy", 8)
    assert trial.score is not None
    _choose(services, engineer)
    assert graph_preparation.prepare(services) == []
    advice = advise_on_tiles(services, product_id)
    assert advice is not None
    assert (advice.no_tiles, advice.input_px) == (toy.no_tiles, 16)
    with pytest.raises(ModelError) as caught:
        toy.make_config(
            backbone=None, preprocessing=Preprocessing(tile_size_px=256), memory_budget_bytes=2**30, options={}
        )
    assert caught.value.code == "tiles_not_supported"
    assert estimates.estimate(services, MEMORY_BANK, [product_id]).seconds > 0


def test_nothing_is_left_of_a_detector_that_is_withdrawn(services: Services, engineer: Person) -> None:
    with pytest.raises(NotFound):
        _choose(services, engineer)
