"""The assistant in the terminal: one question, or a conversation that goes on."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.accounts import people
from core.assistant.asking import ask
from core.assistant.drafting.draft import Draft
from core.assistant.drafting.making import write_draft_yaml
from core.assistant.drafting.words import MARKS, list_draft_fields, show_field
from core.assistant.records import Turn
from core.assistant.results import ToolResult
from core.assistant.tools.contract import open_context
from core.cli.terminal import language, to_json, write_note, write_out
from core.i18n import N_, translate
from core.services import Services, build_services

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

_WIDEST_CELL = 40


def add_ask(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command `ask`."""
    command = commands.add_parser(
        "ask",
        help="ask about inspections, trends, manuals and trainings, or draft a training",
        description="Looks up what is asked and says it with its table. A training becomes a draft: it is printed as "
        "YAML for `python -m core train FILE`, and started by nobody here.",
        epilog="exit status: 0 understood; 1 an error; 3 something is asked back, or was not understood",
    )
    command.add_argument("words", help="the question, in Korean or English")
    command.add_argument("--conversation", type=int, metavar="N", help="go on with a conversation")
    command.add_argument("--inspection", type=int, metavar="N", help="the inspection that “this part” stands for")
    command.add_argument("--json", action="store_true", help="one JSON object")


def ask_assistant(wanted: argparse.Namespace) -> int:
    """Ask one question; return the exit status."""
    services = build_services()
    person = people.command_line_person(services)
    turn: Turn | None = None
    number: int | None = wanted.conversation
    for event in ask(
        services,
        person,
        wanted.words,
        language=language(),
        conversation_id=wanted.conversation,
        inspection_id=wanted.inspection,
    ):
        number, turn = event.conversation_id or number, event.turn or turn
        if event.looking and not wanted.json:
            write_note(translate(language(), event.looking) + " …")
        if event.fallback_code:
            write_note(translate(language(), _TAKES_OVER))
    assert turn is not None
    if wanted.json:
        write_out(to_json(_describe(turn, number or 0)))
    else:
        _tell(services, turn, number or 0)
    if turn.error is not None and not turn.results and turn.draft is None and turn.question is None:
        return 1
    is_clear = bool(turn.results) or (turn.draft is not None and turn.draft.is_ready)
    return 0 if is_clear else 3


_TAKES_OVER = N_("The language model cannot be used now: the words are understood offline.")


def _describe(turn: Turn, conversation: int) -> dict[str, object]:
    question = turn.question
    choices = question.choices if question is not None else ()
    if turn.draft is not None and turn.draft.missing:
        choices = turn.draft.missing[0].choices
    return {
        "conversation": conversation,
        "turn": turn.id,
        "words": turn.words,
        "writer": turn.writer,
        "results": [one.to_json() for one in turn.results],
        "choices": [value for value, _label in choices],
        "draft": None if turn.draft is None else turn.draft.to_json(),
        "error": None if turn.error is None else turn.error[0],
    }


def _tell(services: Services, turn: Turn, conversation: int) -> None:
    write_out(turn.words)
    for result in turn.results:
        for line in _draw_table(result):
            write_out(line)
        for quote in result.quotes:
            where = f" ({quote.manual}, {quote.page})" if quote.page is not None else ""
            write_out(f"- {quote.text}{where}")
        write_note(result.query)
    if turn.draft is not None and turn.draft.is_ready:
        _tell_draft(services, turn.draft)
    elif turn.draft is not None and turn.draft.missing:
        for value, label in turn.draft.missing[0].choices:
            write_out(f"- {label or value}")
    elif turn.question is not None:
        for value, label in turn.question.choices:
            write_out(f"- {label or value}")
    write_note(translate(language(), _GO_ON).format(number=conversation))


_GO_ON = N_("Go on with: --conversation {number}")


def _tell_draft(services: Services, draft: Draft) -> None:
    person = people.command_line_person(services)
    speech = open_context(services, person, language()).speech
    for one in list_draft_fields(draft, speech):
        if one.is_first:
            write_note(f"{one.label}: {show_field(one, speech)} ({speech.say(MARKS[one.mark])})")
    write_out(write_draft_yaml(draft))


def _draw_table(result: ToolResult) -> list[str]:
    if not result.rows:
        return []
    cells = [[column.title for column in result.columns]]
    cells += [
        [_write(value, column.kind) for column, value in zip(result.columns, row, strict=False)] for row in result.rows
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(result.columns))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _write(value: object, kind: str) -> str:
    if value is None:
        return "–"
    if kind == "share" and isinstance(value, int | float):
        return f"{100 * value:.1f}%"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDEST_CELL else f"{text[: _WIDEST_CELL - 1]}…"
