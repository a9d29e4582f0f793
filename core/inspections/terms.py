"""What an inspection can come to, and what its corrective steps are about, by code and in words."""

from __future__ import annotations

from core.i18n import N_

VERDICT_NAMES: dict[str, str] = {"ok": N_("OK"), "review": N_("Review"), "reject": N_("NG")}
VERDICTS = tuple(VERDICT_NAMES)
ACTION_NAMES: dict[str, str] = {"none": N_("None needed"), "open": N_("Open"), "done": N_("Done")}
STEP_TITLES: dict[str, str] = {
    "cause": N_("Likely cause"),
    "action": N_("Immediate action"),
    "check": N_("Check"),
    "prevention": N_("Prevention"),
}
