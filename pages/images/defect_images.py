"""Defect images: what each kind of defect looks like."""

from core.access import ENGINEER
from pages.components.images.labels import DEFECT_IMAGE
from pages.components.images.screen import show_image_screen
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ENGINEER)
show_image_screen(
    DEFECT_IMAGE,
    title=_("Defect images"),
    count=lambda summary: (summary.n_defect_train, summary.n_defect_val, summary.n_defect_test),
    nothing_yet=_(
        "This product has no defect images yet. It can be inspected without any; with them the thresholds are set "
        "better, and similar defects are found and named."
    ),
)
