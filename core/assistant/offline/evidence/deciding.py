"""Which task a message means, by what it weighs for each; unsure where two weigh nearly the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.assistant.offline.evidence.concepts import correct_spelling
from core.assistant.offline.evidence.meaning import meaning_weigher
from core.assistant.offline.evidence.weighing import plain_weigher

FOLLOW_UP, START, DISCARD, TRAIN, HELP = "follow_up", "start", "discard", "train", "help"
NO_LOOK_UPS = frozenset({FOLLOW_UP, START, DISCARD, TRAIN, HELP})
# Of new messages 97 of 100 with this lead by letters and concepts are right, as many as with the encoder.
_CLEAR = 0.5
# Below it a third is wrong: it is asked back.
_UNSURE = 0.05
# A message like no example: nothing is guessed.
_LEAST = 0.16


@dataclass(frozen=True)
class Decision:
    """The task that a masked message means, `help` for none; `others` are the nearest ones, best first."""

    masked: str
    intent: str
    weight: float
    lead: float
    others: tuple[str, ...] = ()
    weight_of_following: float = 0.0

    @property
    def follows(self) -> bool:
        """Return whether it only changes what was asked before."""
        return self.intent == FOLLOW_UP

    @property
    def looks_up(self) -> bool:
        """Return whether something is to be looked up."""
        return self.intent not in NO_LOOK_UPS

    @property
    def is_unsure(self) -> bool:
        """Return whether another task is as likely."""
        return self.lead < _UNSURE


def decide(masked: str, *, without: Collection[str] = ()) -> Decision:
    """Return what a masked message means, the tasks `without` left out: they make no sense where it is said."""
    masked = correct_spelling(masked)
    found = _rank(masked, plain_weigher().weigh(masked), without)
    if found.lead >= _CLEAR:
        return found
    finer = meaning_weigher()
    return found if finer is None else _rank(masked, finer.weigh(masked), without)


def _rank(masked: str, weights: dict[str, float], without: Collection[str]) -> Decision:
    ranked = sorted(((weight, intent) for intent, weight in weights.items() if intent not in without), reverse=True)
    (weight, intent), (second, _other) = ranked[0], ranked[1]
    others = tuple(one for value, one in ranked[1:4] if value >= _LEAST)
    following = weights[FOLLOW_UP]
    if weight < _LEAST:
        return Decision(masked, HELP, weight, 1.0, others, following)
    return Decision(masked, intent, weight, weight - second, others, following)
