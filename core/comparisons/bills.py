"""What asking a model at a server costs: requests, tokens and dollars, of one image or of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.guidance.usage import price_usd
from storage.json_fields import read_float, read_int, read_object

if TYPE_CHECKING:
    from inference.language.visual_questions.method import VisualQuestionMethod
    from inference.vision.comparison.predictions import Method


@dataclass(frozen=True)
class TokenBill:
    """What a question to a model cost: requests, tokens, and dollars (None where its price is not known)."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": self.cost_usd,
        }

    @classmethod
    def from_json(cls, value: object) -> TokenBill | None:
        """Return what a row holds, None where it holds nothing of the kind."""
        data = read_object(value)
        requests = read_int(data.get("requests"))
        if requests is None:
            return None
        return cls(
            requests,
            read_int(data.get("input_tokens")) or 0,
            read_int(data.get("output_tokens")) or 0,
            read_float(data.get("cost_usd")),
        )

    def plus(self, other: TokenBill) -> TokenBill:
        """Return both together; the cost is not known where one of both is not."""
        known = self.cost_usd is not None and other.cost_usd is not None
        return TokenBill(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        )


def _as_asked(method: Method) -> VisualQuestionMethod | None:
    from inference.language.visual_questions.method import VisualQuestionMethod

    return method if isinstance(method, VisualQuestionMethod) else None


def read_meter(method: Method) -> TokenBill | None:
    """Return what a method has cost since it was opened; None for one that computes here and asks no server."""
    asked = _as_asked(method)
    if asked is None:
        return None
    usage = asked.usage
    cost = price_usd(asked.model, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    return TokenBill(usage.requests, usage.input_tokens, usage.output_tokens, cost)


def bill_since(method: Method, before: TokenBill | None) -> TokenBill | None:
    """Return what a method has cost since its meter showed `before`; None for one that asks no server."""
    now, asked = read_meter(method), _as_asked(method)
    if now is None or before is None or asked is None:
        return now
    tokens_in, tokens_out = now.input_tokens - before.input_tokens, now.output_tokens - before.output_tokens
    # By the tokens and not by the difference of two sums: what an image costs does not hang on those before it.
    cost = price_usd(asked.model, input_tokens=tokens_in, output_tokens=tokens_out)
    return TokenBill(now.requests - before.requests, tokens_in, tokens_out, cost)


def add_bills(bills: Iterable[TokenBill | None]) -> TokenBill | None:
    """Return what all cost together; None where none asked a server."""
    total: TokenBill | None = None
    for one in bills:
        if one is not None:
            total = one if total is None else total.plus(one)
    return total
