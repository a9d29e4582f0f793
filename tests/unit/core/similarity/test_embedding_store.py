"""Kept embeddings: what was computed once is not computed again, and what is damaged is."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlmodel import select

from core.deployments.embedding import Embedded, embed_examples
from core.registry.index_examples import Example
from core.services import Services
from core.similarity import embedding_store
from inference.errors import ImageError
from inference.vision.networks.embeddings import Embedder
from inference.vision.networks.pooling.embedder import open_embedder
from storage.tables import StoredEmbedding
from tests.plates import plate

SHA = "a" * 64


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return open_embedder(device="cpu", threads=1)


def example(number: int, *, broken: bool = False) -> Example:
    def load() -> NDArray[np.uint8]:
        if broken:
            raise ImageError("image_damaged")
        return plate(number)

    return Example(number, f"{number}.png", hashlib.sha256(str(number).encode()).hexdigest(), 1, load)


def embed(services: Services, embedder: Embedder, examples: list[Example]) -> tuple[Embedded, list[str]]:
    skipped: list[str] = []
    made = embed_examples(
        services,
        embedder,
        examples,
        finder=None,
        progress=lambda _done, _total: None,
        skip=lambda found, error: skipped.append(f"{found.name}: {error.code}"),
    )
    return made, skipped


def test_vectors_come_back_as_they_were_by_content_place_and_maker(services: Services) -> None:
    vectors = {(SHA, ""): np.arange(4, dtype=np.float32), (SHA, "1,2,3,4"): np.ones(4, np.float32)}
    embedding_store.store_vectors(services, "maker", vectors)
    found = embedding_store.find_vectors(services, "maker", [(SHA, ""), (SHA, "1,2,3,4"), ("b" * 64, "")], dimension=4)
    assert set(found) == set(vectors)
    assert all(np.array_equal(found[content], vector) for content, vector in vectors.items())
    assert embedding_store.find_vectors(services, "other", [(SHA, "")], dimension=4) == {}
    assert embedding_store.find_vectors(services, "maker", [(SHA, "")], dimension=5) == {}
    embedding_store.store_boxes(services, "bank", {SHA: (5, 6, 700, 8000)})
    assert embedding_store.find_boxes(services, "bank", [SHA]) == {SHA: (5, 6, 700, 8000)}
    assert embedding_store.find_boxes(services, "next bank", [SHA]) == {}


def test_only_what_is_new_is_computed(services: Services, embedder: Embedder) -> None:
    first, _ = embed(services, embedder, [example(n) for n in range(11)])
    assert first.computed == 11
    again, _ = embed(services, embedder, [example(n) for n in range(13)])
    assert again.computed == 2
    assert np.array_equal(again.vectors[:11], first.vectors)
    assert [found.id for found in again.examples] == list(range(13))
    assert again.vectors[12] == pytest.approx(embedder.embed([plate(12)])[0], abs=1e-5)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100, "one byte"])
def test_a_damaged_entry_is_computed_again_and_replaced(
    services: Services, embedder: Embedder, damage: bytes | str
) -> None:
    first, _ = embed(services, embedder, [example(1), example(2)])
    with services.database.unit_of_work() as session:
        row = session.exec(select(StoredEmbedding)).first()
        assert row is not None
        row.numbers = damage if isinstance(damage, bytes) else bytes([row.numbers[0] ^ 1]) + row.numbers[1:]
        session.add(row)
        session.commit()
    again, _ = embed(services, embedder, [example(1), example(2)])
    assert again.computed == 1
    assert again.vectors == pytest.approx(first.vectors, abs=1e-5)
    assert embed(services, embedder, [example(1), example(2)])[0].computed == 0


def test_an_image_that_cannot_be_read_is_named_and_the_others_go_on(services: Services, embedder: Embedder) -> None:
    made, skipped = embed(services, embedder, [example(1), example(2, broken=True), example(3)])
    assert skipped == ["2.png: image_damaged"]
    assert [found.id for found in made.examples] == [1, 3]
    assert embed(services, embedder, [])[0].vectors.shape == (0, embedder.dimension)


def test_a_build_that_is_broken_off_has_lost_nothing_that_was_kept(services: Services, embedder: Embedder) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 140:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_examples(
            services,
            embedder,
            [example(n) for n in range(150)],
            finder=None,
            progress=stop,
            skip=lambda _found, _error: None,
        )
    made, _ = embed(services, embedder, [example(n) for n in range(150)])
    assert made.computed <= 150 - 128


def test_what_belongs_to_no_image_any_more_is_dropped(services: Services) -> None:
    embedding_store.store_vectors(services, "maker", {(SHA, ""): np.ones(4, np.float32)})
    assert embedding_store.delete_unused(services) == 1
    assert embedding_store.find_vectors(services, "maker", [(SHA, "")], dimension=4) == {}
