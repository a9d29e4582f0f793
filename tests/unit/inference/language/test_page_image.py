"""Drawing a page with the passage marked."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from inference.errors import ManualError
from inference.language.page_image import render_page
from inference.language.pdf_text import Box, read_pdf
from tests.unit.inference.language.pdf_making import set_plain

CONTENT = set_plain(["Wear gloves.", "Second page"])


def pixels(png: bytes) -> np.ndarray:
    """Return the page as RGB."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int16)


def test_a_page_comes_as_wide_as_asked_and_is_another_for_another_number() -> None:
    first, second = render_page(CONTENT, 1, width_px=400), render_page(CONTENT, 2, width_px=400)
    assert pixels(first).shape[1] == pytest.approx(400, abs=1)
    assert first != second


def test_the_passage_is_colored_and_nothing_else() -> None:
    (line,) = read_pdf(CONTENT).pages[0].lines
    plain, marked = (pixels(render_page(CONTENT, 1, width_px=600, marks=marks)) for marks in ([], [line.box]))
    rows, columns = np.nonzero((plain != marked).any(axis=2))
    height, width = plain.shape[:2]
    assert rows.min() / height == pytest.approx(line.box.y0, abs=0.01)
    assert rows.max() / height == pytest.approx(line.box.y1, abs=0.01)
    assert columns.min() / width == pytest.approx(line.box.x0, abs=0.01)
    assert columns.max() / width == pytest.approx(line.box.x1, abs=0.01)
    # The letters stay black.
    assert marked[rows, columns].sum(axis=1).min() < 150


def test_marks_outside_the_page_do_no_harm() -> None:
    marks = [Box(-1, -1, 3, 0), Box(0.9, 0.9, 0.1, 0.1), Box(2, 2, 3, 3)]
    assert render_page(CONTENT, 1, width_px=200, marks=marks).startswith(b"\x89PNG")


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_page_that_is_not_there_is_named(number: int) -> None:
    with pytest.raises(ManualError) as caught:
        render_page(CONTENT, number)
    assert (caught.value.code, caught.value.params) == ("pdf_page_missing", {"page": number})
