"""A new way of writing: one specification, registered, and it can be chosen, writes, and can go again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from core.access import Person
from core.errors import NotFound, NotReady
from core.guidance.writer_choice import (
    TextChoice,
    choose_text_model,
    current_text_choice,
    default_choice,
    prepare_writer,
)
from core.guidance.writers.registry import FALLBACK, find_writer, is_quoted, list_writers, register, unregister
from core.guidance.writers.specification import WriterSetting, WriterSpecification
from core.guidance.writing import write_guidance
from core.messages import MESSAGES
from core.services import Services
from inference.language.guidance import Finding, Guidance, Piece, Section, Step
from inference.language.passages import Passage
from tests.inspected_part import add_inspected_part, use_passages
from tests.unit.inference.language.findings import PASSAGES


class FirstLineWriter:
    """Writes the first line of the first passage."""

    name = "first-line"

    def write(self, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
        step = Step(passages[0].text.splitlines()[0], (1,), True)
        yield Piece(section="action", step=step)
        yield Piece(guidance=Guidance((Section("action", (step,)),), self.name))


FIRST_LINE = WriterSpecification(
    name="first-line",
    title="First line",
    description="The first line of the first passage.",
    open=lambda _settings, _chosen: FirstLineWriter(),
)


@pytest.fixture
def first_line() -> Iterator[WriterSpecification]:
    register(FIRST_LINE)
    yield FIRST_LINE
    if find_writer(FIRST_LINE.name) is not None:
        unregister(FIRST_LINE.name)


def test_a_registered_writer_is_chosen_and_writes(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch, first_line: WriterSpecification
) -> None:
    assert list_writers()[-1] is first_line
    chosen = choose_text_model(services, engineer, TextChoice(first_line.name))
    assert current_text_choice(services) == chosen
    inspection_id = add_inspected_part(services, engineer)
    use_passages(monkeypatch, PASSAGES)
    written = list(write_guidance(services, engineer, inspection_id, language="ko"))[-1].written
    assert written is not None
    assert written.guidance.model_name == "first-line"
    assert [step.text for step in written.guidance.sections[0].steps] == [PASSAGES[0].text.splitlines()[0]]


def test_a_choice_of_a_writer_that_is_gone_is_that_of_the_settings_again(
    services: Services, engineer: Person, first_line: WriterSpecification
) -> None:
    chosen = choose_text_model(services, engineer, TextChoice(first_line.name))
    unregister(first_line.name)
    assert current_text_choice(services) == TextChoice(FALLBACK.name, row_version=chosen.row_version)
    with pytest.raises(NotFound):
        choose_text_model(services, engineer, TextChoice(first_line.name, row_version=chosen.row_version))


def test_the_chosen_writer_is_prepared_and_no_other(services: Services, engineer: Person) -> None:
    prepared: list[str] = []
    made = replace(FIRST_LINE, name="slow-import", prepare=lambda: prepared.append("slow-import"))
    register(made)
    try:
        prepare_writer(services)
        assert prepared == []
        choose_text_model(services, engineer, TextChoice(made.name))
        prepare_writer(services)
        assert prepared == ["slow-import"]
    finally:
        unregister(made.name)


def test_only_what_a_quoting_writer_wrote_counts_as_quoted(first_line: WriterSpecification) -> None:
    quoted = [name for name in ("", FALLBACK.name, first_line.name, "claude-opus-4-5") if is_quoted(name)]
    assert quoted == ["", FALLBACK.name]


def test_a_name_is_given_once(first_line: WriterSpecification) -> None:
    with pytest.raises(ValueError, match="first-line"):
        register(replace(first_line, title="Another"))


def test_a_setting_that_a_writer_cannot_do_without_is_asked_for_by_its_variable(services: Services) -> None:
    needing = replace(
        FIRST_LINE,
        settings=(
            WriterSetting("Key", "A_KEY", lambda settings: settings.llm_api_key, missing_code="text_model_needs_key"),
            WriterSetting("Address", "AN_ADDRESS", lambda settings: settings.llm_base_url),
        ),
    )
    assert not needing.is_ready(services.settings)
    with pytest.raises(NotReady) as caught:
        needing.check_settings(services.settings)
    assert (caught.value.code, caught.value.params["variable"]) == ("text_model_needs_key", "A_KEY")
    assert needing.is_ready(replace(services.settings, llm_api_key="k"))


def test_every_writer_names_sentences_that_there_are_and_the_fallback_needs_nothing(services: Services) -> None:
    codes = {setting.missing_code for writer in list_writers() for setting in writer.settings}
    assert codes - {""} <= set(MESSAGES)
    FALLBACK.check_settings(replace(services.settings, anthropic_api_key=None, llm_base_url=None))
    assert not FALLBACK.has_models
    assert default_choice(services.settings).writer == FALLBACK.name
