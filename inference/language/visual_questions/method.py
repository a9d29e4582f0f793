"""A vision-language model as a method: one question an image, with retries, and a count of its costs and failures."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from inference.errors import WriterError
from inference.language.model_servers.interface import ChatRequest, ModelServer, StopReason, TokenUsage
from inference.language.visual_questions.answer import MAX_ANSWER_CHARS, read_answer
from inference.language.visual_questions.question import VisualQuestion
from inference.language.visual_questions.request import write_question
from inference.language.visual_questions.sent_picture import prepare_picture
from inference.vision.comparison.predictions import Prediction

MAX_REFERENCES = 4
# A server that is busy now may not be in a moment; one that refuses the key will refuse it again.
_PASSING = frozenset({"writer_busy", "writer_overloaded", "writer_failed"})
_LASTING = frozenset({"writer_unreachable", "writer_timeout", "writer_key_refused", "writer_model_unknown"})
_RETRIES = 2
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 20.0
# So many images in a row without a server: the rest are not worth their time-outs.
_GIVES_UP_AFTER = 3


@dataclass
class VisualUsage:
    """What a method of this kind has used: requests with their tokens, images answered and failed by error code."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "answered": self.answered,
            "failures": dict(sorted(self.failures.items())),
        }


class VisualQuestionMethod:
    """Asks the model of this id at the server about each image; `references` are images of good parts, RGB uint8.

    `secrets` are what must not come back in a reason. `wait` sleeps between attempts.
    """

    name = "vlm"

    def __init__(
        self,
        model: str,
        server: ModelServer,
        question: VisualQuestion,
        *,
        references: Sequence[np.ndarray] = (),
        secrets: Sequence[str] = (),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._model = model
        self._server = server
        self._question = question
        self._references = tuple(prepare_picture(found).png for found in references[:MAX_REFERENCES])
        self._secrets = tuple(secrets)
        self._wait = wait
        self._takes_schema = True
        self._lost: list[WriterError] = []
        self.usage = VisualUsage()

    @property
    def model(self) -> str:
        """Return the model's id at its server."""
        return self._model

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what the model says of images, RGB uint8 H×W×3, in their order.

        Whatever goes wrong is the `error` of that image: the server, or an answer that is not of the agreed form.
        """
        return [self._judge(image) for image in images]

    def _judge(self, image: np.ndarray) -> Prediction:
        started = time.perf_counter()
        try:
            if len(self._lost) >= _GIVES_UP_AFTER:
                raise self._lost[-1]
            picture = prepare_picture(image)
            request = write_question(
                self._question, model=self._model, picture=picture, references=len(self._references)
            )
            text = self._ask(replace(request, pictures=(*self._references, picture.png)))
            self._lost.clear()
            answer = read_answer(text, self._question, picture, secrets=self._secrets)
        except WriterError as error:
            if error.code not in _LASTING:
                self._lost.clear()
            elif len(self._lost) < _GIVES_UP_AFTER:
                self._lost.append(error)
            self.usage.failures[error.code] += 1
            return Prediction(None, ms=_ms_since(started), error=error)
        self.usage.answered += 1
        return Prediction(
            answer.score,
            class_probabilities=answer.class_probabilities(self._question),
            boxes=answer.boxes,
            words=answer.reason,
            ms=_ms_since(started),
        )

    def _ask(self, request: ChatRequest) -> str:
        wait_s = _FIRST_WAIT_S
        for attempt in range(_RETRIES + 1):
            try:
                return self._ask_by_schema(request)
            except WriterError as error:
                asked_s = float(error.params.get("retry_after_s", 0.0))
                is_passing = error.code in _PASSING and asked_s <= _LONGEST_WAIT_S
                if not is_passing or attempt == _RETRIES or error.params.get("status", 500) < 500:
                    raise
                self._wait(max(wait_s, asked_s))
                wait_s *= 2.0
        raise AssertionError("every attempt returns or raises")

    def _ask_by_schema(self, request: ChatRequest) -> str:
        """Ask with the schema where the server takes one, else in words alone: the form stands in the rules, too."""
        if self._takes_schema:
            try:
                return self._read(request)
            except WriterError as error:
                if error.code != "writer_request_refused":
                    raise
            text = self._read(replace(request, answer_schema=None))
            self._takes_schema = False
            return text
        return self._read(replace(request, answer_schema=None))

    def _read(self, request: ChatRequest) -> str:
        pieces: list[str] = []
        size = 0
        usage = TokenUsage()
        stop: StopReason | None = None
        self.usage.requests += 1
        try:
            for chunk in self._server.stream(request):
                usage, stop = chunk.usage or usage, chunk.stop or stop
                pieces.append(chunk.text)
                size += len(chunk.text)
                if size > MAX_ANSWER_CHARS:
                    raise WriterError("writer_too_long")
        finally:
            self.usage.input_tokens += usage.input_tokens
            self.usage.output_tokens += usage.output_tokens
        if stop == "length":
            raise WriterError("writer_too_long")
        if stop == "refusal":
            raise WriterError("writer_declined")
        if stop is None:
            raise WriterError("writer_broken_off")
        return "".join(pieces)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000.0
