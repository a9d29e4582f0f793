"""A page of a manual as a picture, with the passage marked as with a marker pen."""

from __future__ import annotations

import json
from collections.abc import Sequence

from inference.language.pdf_process import check_pdf, open_process
from inference.language.pdf_text import Box

_TIMEOUT_S = 20.0
_MEMORY_BYTES = 1024**3
_WIDTHS_PX = (50, 3000)


def render_page(content: bytes, number: int, *, width_px: int = 1000, marks: Sequence[Box] = ()) -> bytes:
    """Return page `number` (from 1) as PNG, `width_px` (50 to 3,000; very long pages: less) wide, `marks` highlighted.

    Drawn in a child process. Raises ManualError as `read_pdf`, and `pdf_page_missing`.
    """
    check_pdf(content)
    width_px = min(max(width_px, _WIDTHS_PX[0]), _WIDTHS_PX[1])
    arguments = [str(number), str(width_px), json.dumps([list(mark) for mark in marks])]
    with open_process(content, "render", arguments, timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES) as process:
        return process.picture()
