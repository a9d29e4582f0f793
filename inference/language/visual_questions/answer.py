"""The answer to a visual question, read by its schema and by nothing else: whatever does not fit is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.errors import WriterError
from inference.language.untrusted import holds_secret, plain, without_markup
from inference.language.visual_questions.question import GOOD, OTHER, VisualQuestion
from inference.language.visual_questions.request import MAX_BOXES
from inference.language.visual_questions.sent_picture import SentPicture
from inference.vision.comparison.predictions import PredictedBox

MAX_ANSWER_CHARS = 8_000
MAX_REASON_CHARS = 500
_KEYS = {"verdict", "confidence", "type", "boxes", "reason"}
# A model that thinks first says so; what it thought is no part of the answer.
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.I | re.S)
_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n?```\Z", re.I | re.S)


@dataclass(frozen=True)
class VisualAnswer:
    """What a model said of a picture. `score` is 0 (surely good) to 1 (surely defective), ½ at a mere guess.

    `type_code` is one of the question's codes. Boxes are in the pixels of the image; a good part has none.
    """

    is_defect: bool
    score: float
    type_code: str
    boxes: tuple[PredictedBox, ...]
    reason: str

    def class_probabilities(self, question: VisualQuestion) -> dict[str, float]:
        """Return the score by code, adding up to 1; empty for a question without types.

        What the model did not name is shared alike: it said no more than that.
        """
        if not question.defect_types and not question.good_kinds:
            return {}
        # A defect of no known type has no code of its own among the types, so all share it.
        defects = [code for code in question.defect_codes if code != OTHER]
        goods = [code for code in question.good_codes if code != GOOD] or [GOOD]
        if not defects:
            return {}
        bad_share = _share(self.score, defects, self.type_code if self.is_defect else "")
        good_share = _share(1.0 - self.score, goods, "" if self.is_defect else self.type_code)
        return good_share | bad_share


def _share(mass: float, codes: Sequence[str], named: str) -> dict[str, float]:
    if named in codes:
        return {code: mass if code == named else 0.0 for code in codes}
    return {code: mass / len(codes) for code in codes}


def read_answer(
    text: str, question: VisualQuestion, picture: SentPicture, *, secrets: Sequence[str] = ()
) -> VisualAnswer:
    """Return the answer that a model's text holds: one JSON object, bare or in one code fence.

    A reason that holds one of `secrets`, or what looks like a key, is left out. Raises WriterError: `writer_too_long`,
    `visual_answer_not_json`, `visual_answer_wrong_field`, `visual_answer_type_unknown`, `visual_answer_contradicts`,
    `visual_answer_box_outside`.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise WriterError("writer_too_long")
    found = _parse(text)
    if unknown := found.keys() ^ _KEYS:
        raise WriterError("visual_answer_wrong_field", field=plain(min(unknown))[:40])
    verdict, confidence = found["verdict"], found["confidence"]
    if verdict not in ("good", "defect"):
        raise WriterError("visual_answer_wrong_field", field="verdict")
    if not _is_number(confidence) or not 0.0 <= confidence <= 1.0:
        raise WriterError("visual_answer_wrong_field", field="confidence")
    is_defect = verdict == "defect"
    score = 0.5 + confidence / 2.0 if is_defect else 0.5 - confidence / 2.0
    code = _read_type(found["type"], question, is_defect=is_defect)
    if not isinstance(found["reason"], str):
        raise WriterError("visual_answer_wrong_field", field="reason")
    label = code if is_defect and code != OTHER else ""
    return VisualAnswer(
        is_defect=is_defect,
        score=score,
        type_code=code,
        boxes=_read_boxes(found["boxes"], question, picture, score=score, label=label) if is_defect else (),
        reason=_read_reason(found["reason"], secrets),
    )


def _parse(text: str) -> Mapping[str, Any]:
    bare = _THOUGHT.sub("", text, count=1).strip()
    fenced = _FENCED.match(bare)
    try:
        found = json.loads(
            fenced.group(1) if fenced else bare, object_pairs_hook=_without_doubles, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise WriterError("visual_answer_not_json") from error
    if not isinstance(found, dict):
        raise WriterError("visual_answer_not_json")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_type(value: object, question: VisualQuestion, *, is_defect: bool) -> str:
    if not isinstance(value, str):
        raise WriterError("visual_answer_wrong_field", field="type")
    if value in (question.defect_codes if is_defect else question.good_codes):
        return value
    if value in (question.good_codes if is_defect else question.defect_codes):
        raise WriterError("visual_answer_contradicts", name=value)
    raise WriterError("visual_answer_type_unknown", name=without_markup(plain(value))[:60])


def _read_boxes(
    value: object, question: VisualQuestion, picture: SentPicture, *, score: float, label: str
) -> tuple[PredictedBox, ...]:
    if not isinstance(value, list) or len(value) > MAX_BOXES:
        raise WriterError("visual_answer_wrong_field", field="boxes")
    boxes = []
    for corners in value:
        if not isinstance(corners, list) or len(corners) != 4 or not all(_is_number(one) for one in corners):
            raise WriterError("visual_answer_wrong_field", field="boxes")
        boxes.append(picture.locate(corners, convention=question.boxes, score=score, label=label))
    return tuple(boxes)


def _read_reason(text: str, secrets: Sequence[str]) -> str:
    if holds_secret(text, secrets):
        return ""
    words = without_markup(plain(text))
    return words if len(words) <= MAX_REASON_CHARS else words[: MAX_REASON_CHARS - 1].rstrip() + "…"
