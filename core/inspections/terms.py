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
REVIEW_STATE_NAMES: dict[str, str] = {
    "none": N_("No review needed"),
    "waiting": N_("Waits for review"),
    "done": N_("Reviewed"),
}
SOURCE_NAMES: dict[str, str] = {
    "upload": N_("Upload"),
    "camera": N_("Camera"),
    "sample": N_("Sample"),
    "batch": N_("Batch"),
    "cli": N_("Command line"),
    "api": N_("REST interface"),
    "watch": N_("Watched folder"),
}
THRESHOLD_METHODS: dict[str, str] = {
    "percentile": N_("aimed at a share of good parts in review"),
    "mean_std": N_("mean and spread of unseen normal images"),
    "f1_max": N_("best separation of normal and defect images"),
    "cheapest": N_("cheapest for what mistakes cost"),
    "manual": N_("set by hand"),
}
