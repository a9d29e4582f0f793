"""What targets are, which results they get, and what is wrong with a delivery."""

from __future__ import annotations

from core.errors import AppError
from core.i18n import N_

KIND_NAMES: dict[str, str] = {"webhook": N_("Webhook"), "mqtt": N_("MQTT broker")}
VERDICT_CHOICES: dict[str, str] = {
    "all": N_("all verdicts"),
    "not_ok": N_("Review and NG"),
    "reject": N_("NG only"),
}
_WANTED: dict[str, frozenset[str]] = {
    "all": frozenset({"ok", "review", "reject"}),
    "not_ok": frozenset({"review", "reject"}),
    "reject": frozenset({"reject"}),
}


def wants(verdicts: str, verdict: str) -> bool:
    """Return whether a target for `verdicts` (a key of `VERDICT_CHOICES`) gets this verdict."""
    return verdict in _WANTED[verdicts]


class DeliveryError(Exception):
    """A message did not arrive. `problem` says why; `is_refused`: the receiver does not want this very message."""

    def __init__(self, problem: AppError, *, is_refused: bool = False) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.is_refused = is_refused
