"""Every message has its Korean, with the same placeholders, and no translation is unused."""

from __future__ import annotations

import re

from babel.messages.catalog import Message

from tests.unit.translation_catalog import extract_messages, placeholders, read_korean

_HANGUL = re.compile("[가-힣]")
# Names and formats that are written alike in both languages.
_ALIKE = {
    "AUPRO", "AUROC", "Claude", "Dinomaly", "EfficientAD", "GANomaly", "ONNX", "ONNX Runtime", "OpenVINO", "PaDiM",
    "PatchCore", "SuperSimpleNet",
}  # fmt: skip


def _texts(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _translations(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def test_every_message_of_the_code_has_a_korean_translation() -> None:
    korean = read_korean()
    missing = []
    for message in extract_messages():
        if message.id:
            found = korean.get(_texts(message)[0])
            if found is None or not all(text.strip() for text in _translations(found)):
                missing.append(_texts(message)[0])
    assert not missing, "run tests/unit/translation_catalog.py and translate: " + "; ".join(missing)


def test_translations_keep_the_placeholders_of_their_message() -> None:
    for message in read_korean():
        if message.id:
            wanted = placeholders(_texts(message)[-1])
            for text in _translations(message):
                assert placeholders(text) == wanted, (message.id, text)


def test_no_translation_is_left_of_a_message_that_went() -> None:
    used = {_texts(message)[0] for message in extract_messages() if message.id}
    unused = [_texts(message)[0] for message in read_korean() if message.id and _texts(message)[0] not in used]
    assert not unused, unused


def test_korean_translations_are_in_korean() -> None:
    for message in read_korean():
        if message.id and _texts(message)[0] not in _ALIKE:
            for text in _translations(message):
                left = re.sub(r"\{[^{}]*\}", "", text)
                assert _HANGUL.search(left) or not re.search(r"[A-Za-z]{4,}", left), text


def test_messages_inside_f_strings_are_found() -> None:
    messages = {message.id for message in extract_messages()}
    assert "Samples" in messages
