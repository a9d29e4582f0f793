"""Extract the messages of the whole code base; as a script, bring `assets/locales/ko.po` up to date with them.

    .venv/bin/python tests/unit/translation_catalog.py

Translations stay, new messages come in empty (the test then names them), messages that are not used any more go.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent.parent
KOREAN = ROOT / "assets" / "locales" / "ko.po"
# Which arguments hold the message, by the name of the function.
_KEYWORDS: dict[str, tuple[int, ...]] = {"_": (0,), "N_": (0,), "_n": (0, 1)}
_HEADER_NOISE = r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid|Last-Tr|Language-Team)[^\n]*\n'
_PLACEHOLDER = re.compile(r"\{(\w+)[^{}]*\}")


def source_files() -> Iterator[Path]:
    """Yield every module that may hold a message."""
    yield ROOT / "Home.py"
    for folder in ("pages", "core", "inference", "storage"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def extract_messages() -> Catalog:
    """Return the messages of the code, with the files that use them."""
    # The syntax tree and not a tokenizer: a tokenizer does not look into f-strings.
    catalog = Catalog(fuzzy=False)
    for path in source_files():
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and (message := _message_of(node)) is not None:
                catalog.add(message, locations=[(name, 0)])
    return catalog


def _message_of(call: ast.Call) -> str | tuple[str, ...] | None:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    positions = _KEYWORDS.get(name)
    if positions is None or len(call.args) <= positions[-1]:
        return None
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if len(texts) <= positions[-1] or not all(isinstance(text, str) and text for text in texts[: len(positions)]):
        return None  # a message that is marked elsewhere and only looked up here
    return str(texts[0]) if len(positions) == 1 else (str(texts[0]), str(texts[1]))


def read_korean() -> Catalog:
    """Return the Korean catalog as it is."""
    with KOREAN.open("rb") as source:
        return read_po(source, locale="ko")


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return set(_PLACEHOLDER.findall(text))


def update_korean() -> list[str]:
    """Bring the file up to date; return the messages that still lack a translation."""
    wanted = extract_messages()
    known = read_korean() if KOREAN.is_file() else Catalog(locale="ko")
    fresh = Catalog(locale="ko", project="Geomsa", version="1", fuzzy=False, charset="utf-8")
    missing = []
    for message in sorted(wanted, key=lambda found: (found.locations and found.locations[0]) or ("", 0)):
        if not message.id:
            continue
        before = known.get(message.id if isinstance(message.id, str) else message.id[0])
        translation = before.string if before is not None else ""
        if isinstance(message.id, tuple):
            forms = (translation,) if isinstance(translation, str) else tuple(translation or ("",))
            translation = forms[:1]
        if not translation or not all(translation if isinstance(translation, tuple) else [translation]):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
        places = sorted({place for place, _line in message.locations})
        fresh.add(message.id, translation, locations=[(place, 0) for place in places])
    out = io.BytesIO()
    write_po(out, fresh, width=118, include_lineno=False, omit_header=False)
    # The moment of writing would make every run a change.
    text = re.sub(_HEADER_NOISE, "", out.getvalue().decode("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"\A(#[^\n]*\n)+", "# Korean messages of Geomsa.\n", text)
    # In one step: whoever reads meanwhile must not find half a file and take its translations for missing.
    beside = KOREAN.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(KOREAN)
    return missing


if __name__ == "__main__":
    for text in update_korean():
        sys.stdout.write(f"no translation: {text}\n")
