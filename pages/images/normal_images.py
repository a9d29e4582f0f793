"""Normal images: what good parts look like."""

from core.access import ENGINEER
from pages.components.images.labels import NORMAL_IMAGE
from pages.components.images.screen import show_image_screen
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ENGINEER)
show_image_screen(
    NORMAL_IMAGE,
    title=_("Normal images"),
    count=lambda summary: (summary.n_normal_train, summary.n_normal_val, summary.n_normal_test),
    nothing_yet=_(
        "This product has no normal images yet. Add images of good parts as the line's camera takes them: 50 make a "
        "sound start, and even a few work. Then build the memory bank."
    ),
)
