"""How well the assistant's parser understands, and what it never does: conversations with what each has to become.

    python -m benchmarks.bench_assistant [FILE ...] [--wrong] [--model]

FILE holds conversations (default: all in `benchmarks/conversations`). Each turn is right when the tool, its arguments,
the draft with its values, or the question with its choices is the expected one; a conversation is right when all its
turns are. Everything goes through the same use case as the screen, on a plant of rows with known figures. Prints what
was wrong to stderr with `--wrong`, and one JSON object as the last line of stdout: by file and language the share of
right conversations, `runs_started` (trainings without a person's confirmation) and `loose_numbers` (numbers said that
no result of the turn holds).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import func, select

from core.access import Person
from core.accounts.people import open_person
from core.assistant.asking import ask
from core.assistant.conversations import read_conversation
from core.assistant.drafting.draft import flatten
from core.assistant.numbers import is_supported, know
from core.assistant.records import Turn
from core.services import Services, build_services
from core.settings import read_settings
from storage.tables import Inspection, TrainingRun
from tests.assistant_world import build_world

_LACKING = {("read_manual", "no_manual_index"), ("show_run", "assistant_run_unknown")}
FOLDER = Path(__file__).parent / "conversations"


def check_turn(expected: dict[str, Any], turn: Turn) -> str:
    """Return what is wrong with a turn, empty for nothing."""
    if "tool" in expected:
        return _check_tool(expected, turn)
    if "draft" in expected:
        return _check_draft(expected["draft"], turn)
    if "ask" in expected:
        return _check_question(expected, turn)
    if "refused" in expected:
        problem = turn.draft.problem if turn.draft is not None else None
        said = str(problem[1].get("field")) if problem is not None else (turn.error or ("", {}))[0]
        return "" if said == expected["refused"] else f"not refused: {said!r}"
    if expected.get("no_start"):
        is_plain = not turn.results and turn.draft is None and turn.training_run_id is None
        return "" if is_plain else "more than words"
    is_help = not turn.results and turn.draft is None and turn.question is None
    return "" if is_help else f"no help: {[one.tool for one in turn.results]} {turn.draft} {turn.question}"


def _check_tool(expected: dict[str, Any], turn: Turn) -> str:
    # A tool that needs something this plant lacks (a manual index) was still the right one.
    called = turn.results[0] if turn.results else None
    if called is None:
        told = turn.error[0] if turn.error is not None else turn.question
        if turn.error is not None and (expected["tool"], turn.error[0]) in _LACKING:
            return ""
        return f"no result: {told}"
    if called.tool != expected["tool"]:
        return f"{called.tool} {dict(called.arguments)}"
    given = dict(called.arguments)
    wrong = {name: given.get(name) for name, value in expected["arguments"].items() if not _is(given.get(name), value)}
    extra = set(given) - set(expected["arguments"]) - {"top"} if expected.get("exact", True) else set()
    unasked = {name for name in extra if not (name == "inspection" and given[name] == "latest")}
    return f"arguments {given}" if wrong or unasked else ""


def _is(given: Any, expected: Any) -> bool:
    """Return whether an argument is the expected one: `*-11-10` is that day of the year that was meant."""
    if expected == "*today":
        return bool(given == datetime.now(UTC).date().isoformat())
    if isinstance(expected, str) and expected.startswith("*-"):
        return str(given).endswith(expected[1:])
    return bool(given == expected)


def _check_draft(expected: dict[str, Any], turn: Turn) -> str:
    if turn.draft is None:
        return f"no draft: {[one.tool for one in turn.results]} {turn.error}"
    if not turn.draft.is_ready:
        return f"not ready: {turn.draft.missing} {turn.draft.problem}"
    values = flatten(turn.draft.configuration)
    wrong = {path: values.get(path) for path, value in expected.items() if values.get(path) != value}
    unsaid = {path for path in expected if turn.draft.mark(path) != "said"}
    return f"draft {wrong} {unsaid}" if wrong or unsaid else ""


def _check_question(expected: dict[str, Any], turn: Turn) -> str:
    if turn.draft is not None and turn.draft.missing:
        field, choices = turn.draft.missing[0].field, turn.draft.missing[0].choices
    elif turn.question is not None:
        field, choices = turn.question.field, turn.question.choices
    else:
        return f"no question: {[one.tool for one in turn.results]} {turn.draft}"
    if field != expected["ask"]:
        return f"asked for {field}"
    values = {value for value, _label in choices}
    return "" if not expected["choices"] or values == set(expected["choices"]) else f"choices {values}"


def hold_conversation(
    services: Services, person: Person, conversation: dict[str, Any], inspection_id: int
) -> tuple[list[str], int]:
    """Return what was wrong in a conversation, turn by turn, and how many numbers were said that no result holds."""
    wrong: list[str] = []
    loose = 0
    number: int | None = None
    for place, turn in enumerate(conversation["turns"], 1):
        events = ask(
            services, person, turn["say"], language=conversation["language"], conversation_id=number,
            inspection_id=inspection_id if conversation.get("inspection") else None,
        )  # fmt: skip
        for event in events:
            number = event.conversation_id or number
        assert number is not None
        stored = read_conversation(services, person, number).turns[-1]
        problem = check_turn(turn["expect"], stored)
        if problem:
            wrong.append(f"turn {place} “{turn['say']}”: {problem}")
        loose += count_loose(stored, turn["say"])
    return wrong, loose


def count_loose(turn: Turn, said: str) -> int:
    """Return how many sentences of a turn hold a number that neither its results, its draft nor the person said."""
    if turn.error is not None:
        return 0
    of_draft = json.dumps(turn.draft.to_json()) if turn.draft is not None else ""
    known = know(turn.results, said=(said, of_draft))
    sentences = [one for one in turn.words.split("\n") if not one.startswith("•") and "images" not in one]
    return sum(not is_supported(one, known) for one in sentences if "이미지" not in one)


def measure(files: list[Path], *, show_wrong: bool) -> dict[str, Any]:
    """Return the shares of right conversations by file and language."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        services = build_services(read_settings({"GEOMSA_DATA_DIR": folder, "GEOMSA_DEVICE": "cpu"}), migrate=True)
        person = open_person(services, "engineer")
        build_world(services, person)
        with services.database.reading() as session:
            query = select(func.max(Inspection.id)).where(Inspection.final_verdict == "reject")
            inspection_id = session.exec(query).one()
        assert inspection_id is not None
        loose = 0
        began = time.perf_counter()
        n_turns = 0
        for file in files:
            right: Counter[str] = Counter()
            total: Counter[str] = Counter()
            for conversation in json.loads(file.read_text(encoding="utf-8"))["conversations"]:
                wrong, own_loose = hold_conversation(services, person, conversation, inspection_id)
                loose += own_loose
                n_turns += len(conversation["turns"])
                for key in ("all", conversation["language"], conversation["kind"]):
                    total[key] += 1
                    right[key] += not wrong
                if wrong and show_wrong:
                    print(f"{file.stem} {conversation['id']}: {'; '.join(wrong)}", file=sys.stderr)
            found[file.stem] = {key: {"right": right[key], "of": total[key]} for key in total}
        with services.database.reading() as session:
            runs = session.exec(select(func.count()).select_from(TrainingRun)).one()
        seconds = time.perf_counter() - began
        services.database.dispose()
    return found | {
        "runs_started": runs,
        "loose_numbers": loose,
        "turns": n_turns,
        "ms_per_turn": round(1000 * seconds / max(1, n_turns), 1),
    }


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--wrong", action="store_true", help="print what was wrong")
    wanted = parser.parse_args()
    files = wanted.files or sorted(FOLDER.glob("*.json"))
    print(json.dumps(measure(files, show_wrong=wanted.wrong), ensure_ascii=False))


if __name__ == "__main__":
    main()
