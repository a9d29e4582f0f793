"""Searching by text: a tiny CLIP from weights to result, Korean in English, and what is said where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.errors import BadInput, NotReady
from core.models.kinds import SIMILARITY_INDEX
from core.models.options import SIMILARITY, list_options
from core.models.weight_paths import list_weights
from core.registry.choices import choose, current_choice
from core.registry.versions import active_version
from core.registry.weight_files import add_weights
from core.services import Services
from core.similarity.text_search import search_text, to_english
from inference.vision.networks.clip import networks as clip_networks
from storage.tables import DefectType, Product, SearchHistory
from tests.plates import deploy

NAME = "clip_vit_b_32"


@pytest.fixture
def _tiny_clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plate_services: Services) -> None:
    import torch
    from safetensors.torch import save_file

    from inference.vision.networks.clip.model import build_clip

    spec = replace(
        clip_networks.CLIP_SPECS[NAME],
        dimension=16,
        input_size_px=32,
        layers=1,
        width=64,
        patch_px=16,
        text_layers=1,
        text_width=32,
        text_heads=2,
    )
    monkeypatch.setitem(clip_networks.CLIP_SPECS, NAME, spec)
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_file({key: value.clone().contiguous() for key, value in build_clip(spec, None).state_dict().items()}, path)
    person = open_person(plate_services, "engineer")
    with path.open("rb") as stream:
        add_weights(plate_services, person, name=NAME, file_name="tiny.safetensors", stream=stream)


@pytest.mark.usefixtures("_tiny_clip")
def test_a_clip_is_added_chosen_deployed_and_searched_by_words(
    plate_services: Services, plate_product: Product
) -> None:
    person = open_person(plate_services, "engineer")
    product_id = plate_product.id
    choice = current_choice(plate_services, SIMILARITY)
    choose(plate_services, person, purpose=SIMILARITY, name=NAME, options={}, row_version=choice.row_version)
    deploy(plate_services, product_id, kinds=(SIMILARITY_INDEX,))
    with plate_services.database.reading() as session:
        version = active_version(session, SIMILARITY_INDEX, product_id, "defect")
    assert version is not None
    assert version.model_name == NAME
    metadata = plate_services.models.similarity_index(version).metadata
    assert metadata["preparation"]["size_px"] == [32, 32]
    assert metadata["embedder_key"].startswith(NAME)
    with plate_services.database.unit_of_work() as session:
        row = session.exec(select(DefectType).where(DefectType.code == "scratch")).one()
        row.name_ko, row.name_en = "긁힌 자국", "scratch mark"
        session.add(row)
        session.commit()
    english, found = search_text(
        plate_services, person, product_id=product_id, text="가장자리 근처의 긁힌 자국", image_type="defect", top_k=4
    )
    assert english == "edge near scratch mark"
    assert len(found) == 4
    assert [item.similarity for item in found] == sorted((item.similarity for item in found), reverse=True)
    with plate_services.database.reading() as session:
        history = session.exec(select(SearchHistory).where(SearchHistory.query_text != "")).one()
    assert history.query_text == "가장자리 근처의 긁힌 자국"
    assert len(history.results) == 4


def test_clips_are_listed_with_what_they_need(services: Services) -> None:
    states = {state.spec.name: state for state in list_weights(services.settings)}
    for name in ("clip_vit_b_32", "clip_vit_l_14"):
        assert states[name].path is None
        assert states[name].download is not None
        assert name in {option.name for option in list_options(SIMILARITY)}
    person = open_person(services, "engineer")
    with pytest.raises(NotReady) as refused:
        choose(services, person, purpose=SIMILARITY, name=NAME, options={}, row_version=0)
    assert refused.value.code == "backbone_weights_missing"
    assert "CLIP" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("   ", "text_search_empty"),
        ("x" * 300, "text_search_too_long"),
        ("쭈글쭈글한 긁힘", "text_search_untranslated"),
    ],
)
def test_words_that_cannot_be_searched_are_refused(services: Services, text: str, code: str) -> None:
    with services.database.reading() as session, pytest.raises(BadInput) as refused:
        to_english(session, text)
    assert refused.value.code == code
    if code == "text_search_untranslated":
        assert "쭈글쭈글한" in str(refused.value)


def test_english_stays_as_it_is_and_an_index_of_another_embedder_says_so(
    plate_services: Services, plate_product: Product
) -> None:
    with plate_services.database.reading() as session:
        assert to_english(session, " scratch  near the edge ") == "scratch near the edge"
        assert to_english(session, "검은 구멍") == "black hole"
    person = open_person(plate_services, "engineer")
    with pytest.raises(NotReady) as refused:
        search_text(plate_services, person, product_id=plate_product.id, text="hole", image_type="defect", top_k=3)
    assert refused.value.code == "text_search_needs_clip"
