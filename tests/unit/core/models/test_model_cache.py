"""The model cache: one load for everybody, nothing damaged ever loaded, and a lost local copy fetched again."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.models import cache
from core.models.cache import ModelCache, fetch_bundle
from core.registry.versions import active_version
from core.services import Services
from inference.errors import ArtifactError, ModelError
from inference.vision.detection import registry
from inference.vision.detection.detector import Detector
from storage.objects import ObjectStoreError
from storage.tables import ModelVersion, Product
from tests.plates import plate


@pytest.fixture
def bank(plate_services: Services, plate_product: Product) -> ModelVersion:
    with plate_services.database.reading() as session:
        found = active_version(session, "memory_bank", plate_product.id)
    assert found is not None
    return found


@pytest.fixture
def index(plate_services: Services, plate_product: Product) -> ModelVersion:
    with plate_services.database.reading() as session:
        found = active_version(session, "similarity_index", plate_product.id, "defect")
    assert found is not None
    return found


def _fresh_cache(services: Services, folder: Path) -> ModelCache:
    """Return the cache of another process, on another machine."""
    return ModelCache(objects=services.objects, folder=folder, device="cpu", weights_dir=folder)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_sessions_that_want_a_model_at_once_share_one_load(
    plate_services: Services, bank: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Path] = []
    load = registry.load

    def counted(folder: Path, **options: object) -> Detector:
        loads.append(folder)
        return load(folder, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "load", counted)
    with ThreadPoolExecutor(6) as pool:
        models = list(pool.map(lambda _: plate_services.models.memory_bank(bank), range(12)))
    assert len(loads) == 1
    assert all(model is models[0] for model in models)


def test_a_model_is_fetched_where_it_is_not_yet_and_scores_the_same(
    plate_services: Services, bank: ModelVersion, tmp_path: Path
) -> None:
    elsewhere = _fresh_cache(plate_services, tmp_path / "elsewhere" / "models")
    here = plate_services.models.memory_bank(bank).inspect(plate(1, "spot"))
    there = elsewhere.memory_bank(bank).inspect(plate(1, "spot"))
    assert there.score == pytest.approx(here.score, rel=1e-6)
    assert {path.name for path in (tmp_path / "elsewhere" / "models").iterdir()} == {bank.manifest_sha256}


@pytest.mark.parametrize("kind", ["bank", "index"])
def test_a_damaged_local_copy_is_fetched_again(
    kind: str, plate_services: Services, bank: ModelVersion, index: ModelVersion
) -> None:
    version = bank if kind == "bank" else index
    folder = plate_services.settings.cache_dir / "models" / version.manifest_sha256
    for path in sorted(folder.iterdir()):
        sound = path.read_bytes()
        _flip(path)
        cache = _fresh_cache(plate_services, folder.parent)
        assert cache.memory_bank(version) if kind == "bank" else cache.similarity_index(version)
        assert path.read_bytes() == sound


@pytest.mark.parametrize("kind", ["bank", "index"])
def test_every_damaged_file_in_the_store_is_refused_at_load(
    kind: str, plate_services: Services, bank: ModelVersion, index: ModelVersion, tmp_path: Path
) -> None:
    version = bank if kind == "bank" else index
    for number, info in enumerate(list(plate_services.objects.list(version.object_prefix))):
        sound = plate_services.objects.get(info.key)
        middle = len(sound) // 2
        plate_services.objects.put(info.key, sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
        cache = _fresh_cache(plate_services, tmp_path / str(number))
        with pytest.raises(ArtifactError) as refused:
            cache.memory_bank(version) if kind == "bank" else cache.similarity_index(version)
        assert refused.value.code == "artifact_damaged"
        plate_services.objects.put(info.key, sound)
        # Repaired, it loads: a failure is not remembered.
        assert cache.memory_bank(version) if kind == "bank" else cache.similarity_index(version)


def test_nothing_appears_of_a_bundle_that_could_not_be_fetched_whole(
    plate_services: Services, bank: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models" / bank.manifest_sha256
    get_to_file = type(plate_services.objects).get_to_file

    def fail_at_manifest(self: object, key: str, path: Path) -> None:
        if key.endswith("tensors.safetensors"):
            raise ObjectStoreError("object_store_unavailable", key=key)
        get_to_file(self, key, path)  # type: ignore[arg-type]

    monkeypatch.setattr(type(plate_services.objects), "get_to_file", fail_at_manifest)
    with pytest.raises(ObjectStoreError):
        fetch_bundle(plate_services.objects, bank.object_prefix, folder)
    assert list(folder.parent.iterdir()) == []
    with pytest.raises(ObjectStoreError) as refused:
        fetch_bundle(plate_services.objects, "models/memory_bank/nothing/", folder)
    assert refused.value.code == "object_missing"


def test_two_processes_that_fetch_at_once_both_have_it(
    plate_services: Services, bank: ModelVersion, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / bank.manifest_sha256
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fetch_bundle(plate_services.objects, bank.object_prefix, folder), range(4)))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_least_used_model_makes_room(
    plate_services: Services, bank: ModelVersion, index: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_LOADED", 1)
    first = plate_services.models.memory_bank(bank)
    assert plate_services.models.memory_bank(bank) is first
    plate_services.models.similarity_index(index)
    assert plate_services.models.memory_bank(bank) is not first


def test_a_forgotten_model_is_fetched_when_it_is_wanted_again(plate_services: Services, index: ModelVersion) -> None:
    plate_services.models.similarity_index(index)
    folder = plate_services.models.bundle(index)
    plate_services.models.evict(index)
    assert not folder.exists()
    plate_services.models.similarity_index(index)
    assert folder.is_dir()


def test_the_cache_may_be_deleted_at_any_time(plate_services: Services, bank: ModelVersion, tmp_path: Path) -> None:
    shutil.rmtree(plate_services.settings.cache_dir)
    cache = _fresh_cache(plate_services, plate_services.settings.cache_dir / "models")
    cache.verify(bank)


def test_an_embedder_that_nobody_knows_is_refused(plate_services: Services) -> None:
    with pytest.raises(ModelError) as refused:
        plate_services.models.embedder("clip-of-tomorrow")
    assert refused.value.code == "backbone_unknown"
