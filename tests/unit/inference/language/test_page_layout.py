"""Tables, columns, turned pages, watermarks: which cells and lines belong together, and where that is not certain."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from inference.language.passages import Passage, split_passages
from inference.language.pdf_text import read_pdf

Draw = Callable[[Any], None]
SIZE = (600, 800)


def draw_pages(*pages: Draw, rotation: int = 0) -> bytes:
    """Return a PDF of pages that functions draw on reportlab's canvas, each from its lower left corner."""
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target, pagesize=SIZE if rotation % 180 == 0 else SIZE[::-1], invariant=1)
    for page in pages:
        canvas.setPageRotation(rotation)
        canvas.saveState()
        page(canvas)
        canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def split(*pages: Draw, rotation: int = 0) -> list[Passage]:
    return split_passages(read_pdf(draw_pages(*pages, rotation=rotation)), source_id=1)


def write(canvas: Any, x: float, y: float, *lines: str, leading: float = 12, font: str = "Helvetica") -> None:
    canvas.setFont(font, 10)
    for number, line in enumerate(lines):
        canvas.drawString(x, y - number * leading, line)


def table_page(
    rows: Sequence[tuple[Sequence[str], Sequence[str]]], *, offset: Callable[[int, int], float], gap: float = 10
) -> Draw:
    """Return a page with a table of two columns without rules; `offset` tells where a cell of some lines begins."""

    def draw(canvas: Any) -> None:
        y = 700.0
        write(canvas, 60, y, "Defect")
        write(canvas, 200, y, "Action")
        y -= 12 + gap
        for name, action in rows:
            most = max(len(name), len(action))
            write(canvas, 60, y - offset(len(name), most), *name)
            write(canvas, 200, y - offset(len(action), most), *action)
            y -= most * 12 + gap

    return draw


ROWS = (
    (("Burr",), ("Stop the press,", "file the edge", "and wash the part.")),
    (("Crack",), ("Scrap the part.",)),
    (("Stain",), ("Wipe it off with", "alcohol.")),
)
WANTED = (
    "Defect | Action\nBurr | Stop the press, file the edge and wash the part.\nCrack | Scrap the part.\n"
    "Stain | Wipe it off with alcohol."
)


@pytest.mark.parametrize(
    "offset",
    [
        pytest.param(lambda _own, _most: 0.0, id="top"),
        pytest.param(lambda own, most: (most - own) * 6.0, id="middle"),
        pytest.param(lambda own, most: (most - own) * 12.0, id="foot"),
    ],
)
def test_rows_are_told_however_their_cells_are_aligned(offset: Callable[[int, int], float]) -> None:
    (passage,) = split(table_page(ROWS, offset=offset))
    assert (passage.text, passage.kind, passage.certain) == (WANTED, "table", True)


def test_rows_set_solid_are_told_where_only_one_alignment_fits() -> None:
    (passage,) = split(table_page(ROWS[:1] + ROWS[2:], offset=lambda own, most: (most - own) * 6.0, gap=0))
    assert passage.certain
    assert passage.text.splitlines()[1:] == [WANTED.splitlines()[1], WANTED.splitlines()[3]]


def test_rows_that_two_alignments_part_differently_are_not_certain() -> None:
    # The second line of actions may end the first row or begin the second.
    lines = [(("Burr",), ("Stop the press.",)), ((), ("Wash the part.",)), (("Crack",), ("Scrap it.",))]

    def draw(canvas: Any) -> None:
        for number, (name, action) in enumerate(lines):
            write(canvas, 60, 700 - 12 * number, *name)
            write(canvas, 200, 700 - 12 * number, *action)

    (passage,) = split(draw)
    assert not passage.certain
    assert {"Burr", "Crack", "Wash the part."} <= set(passage.text.splitlines())


def grid(canvas: Any, xs: Sequence[float], ys: Sequence[float]) -> None:
    for x in xs:
        canvas.line(x, ys[0], x, ys[-1])
    for y in ys:
        canvas.line(xs[0], y, xs[-1], y)


def test_a_name_that_spans_drawn_rows_is_that_of_each() -> None:
    def draw(canvas: Any) -> None:
        for x in (50, 150, 300):
            canvas.line(x, 720, x, 640)
        for y in (720, 700, 660, 640):
            canvas.line(50, y, 300, y)
        canvas.line(150, 680, 300, 680)
        for y, name, action in ((706, "Defect", "Action"), (676, "Burr", ""), (686, "", "File"), (666, "", "Wash")):
            write(canvas, 60, y, name)
            write(canvas, 160, y, action)
        write(canvas, 60, 646, "Crack")
        write(canvas, 160, 646, "Scrap")

    (passage,) = split(draw)
    assert passage.text == "Defect | Action\nBurr | File\nBurr | Wash\nCrack | Scrap"
    assert passage.certain


def test_names_of_one_letter_make_rows_of_their_own() -> None:
    def draw(canvas: Any) -> None:
        grid(canvas, (50, 100, 300), [720 - 20 * number for number in range(5)])
        for number, row in enumerate((("Code", "Action"), ("A", "Rework"), ("B", "Scrap"), ("C", "Wash"))):
            write(canvas, 60, 706 - 20 * number, row[0])
            write(canvas, 110, 706 - 20 * number, row[1])

    (passage,) = split(draw)
    assert passage.text == "Code | Action\nA | Rework\nB | Scrap\nC | Wash"


def test_a_table_that_goes_on_has_its_head_row_on_the_next_page() -> None:
    def part(rows: Sequence[tuple[str, str]]) -> Draw:
        def draw(canvas: Any) -> None:
            grid(canvas, (50, 150, 350), [720 - 20 * number for number in range(len(rows) + 1)])
            for number, row in enumerate(rows):
                write(canvas, 60, 706 - 20 * number, row[0])
                write(canvas, 160, 706 - 20 * number, row[1])

        return draw

    first, second = split(part([("Defect", "Action"), ("Burr", "File")]), part([("Crack", "Scrap"), ("Stain", "Wash")]))
    assert first.text == "Defect | Action\nBurr | File"
    assert second.text == "Defect | Action\nCrack | Scrap\nStain | Wash"


COLUMNS = (
    ("Burr", "1. Stop the press and lock it.", "2. File the edge with care.", "3. Wash the part in the bath."),
    ("Crack", "1. Scrap the part at once.", "2. Tell the foundry about it.", "3. Check the next ten parts."),
)


@pytest.mark.parametrize("is_row_by_row", [False, True])
def test_columns_whose_lines_share_base_lines_are_read_one_after_the_other(is_row_by_row: bool) -> None:
    def draw(canvas: Any) -> None:
        places = [(column, row) for column in range(2) for row in range(4)]
        for column, row in sorted(places, key=lambda place: place[::-1] if is_row_by_row else place):
            font = "Helvetica-Bold" if row == 0 else "Helvetica"
            write(canvas, 60 + 260 * column, 700 - 14 * row, COLUMNS[column][row], font=font)

    assert [(passage.heading, passage.text) for passage in split(draw)] == [
        (("Burr",), "\n".join(COLUMNS[0][1:])),
        (("Crack",), "\n".join(COLUMNS[1][1:])),
    ]


def steps_page(turn: int) -> Draw:
    """Return a page of four lines that are turned by so many quarters clockwise."""

    def draw(canvas: Any) -> None:
        width, height = SIZE
        moves = {0: (0, 0), 1: (0, height), 2: (width, height), 3: (width, 0)}
        canvas.translate(*moves[turn])
        canvas.rotate(-90 * turn)
        top = height if turn % 2 == 0 else width
        write(canvas, 60, top - 80, "Scratch", font="Helvetica-Bold")
        write(canvas, 60, top - 100, "1. Stop the feeder.", "2. Clean the rail.", "3. Start it again.", leading=16)

    return draw


@pytest.mark.parametrize(("turn", "rotation"), [(1, 0), (2, 0), (3, 0), (0, 90), (0, 180), (0, 270), (3, 90), (1, 270)])
def test_turned_pages_and_turned_text_are_read_in_the_order_of_the_text(turn: int, rotation: int) -> None:
    (passage,) = split(steps_page(turn), rotation=rotation)
    assert passage.heading == ("Scratch",)
    assert passage.text == "1. Stop the feeder.\n2. Clean the rail.\n3. Start it again."


@pytest.mark.parametrize("angle", [0, 45])
def test_a_watermark_is_no_heading(angle: int) -> None:
    def draw(canvas: Any) -> None:
        canvas.saveState()
        canvas.setFillColorRGB(0.8, 0.8, 0.8)
        canvas.setFont("Helvetica-Bold", 50)
        canvas.translate(120, 660)
        canvas.rotate(angle)
        canvas.drawString(0, 0, "CONFIDENTIAL")
        canvas.restoreState()
        canvas.setFillColorRGB(0, 0, 0)
        steps_page(0)(canvas)

    (passage,) = split(draw)
    assert passage.heading == ("Scratch",)
    assert passage.text == "1. Stop the feeder.\n2. Clean the rail.\n3. Start it again."


def test_labeled_lines_stand_under_the_name_above_them() -> None:
    def draw(canvas: Any) -> None:
        write(canvas, 60, 700, "1. Scratch", "Cause: Dirt on the rail.", "Action: Clean the rail.", leading=20)

    (passage,) = split(draw)
    assert passage.heading == ("1. Scratch",)
    assert passage.text == "Cause: Dirt on the rail.\nAction: Clean the rail."


def test_sections_set_like_the_names_of_defects_stand_below_these() -> None:
    def draw(canvas: Any) -> None:
        bold = {"Burr", "Crack", "Cause", "Action"}
        lines = (
            "Burr",
            "Cause",
            "The pin is worn.",
            "Action",
            "Change the pin.",
            "Crack",
            "Cause",
            "The iron is cold.",
        )
        for number, line in enumerate(lines):
            write(canvas, 60, 700 - 16 * number, line, font="Helvetica-Bold" if line in bold else "Helvetica")

    assert [(passage.heading, passage.text) for passage in split(draw)] == [
        (("Burr", "Cause"), "The pin is worn."),
        (("Burr", "Action"), "Change the pin."),
        (("Crack", "Cause"), "The iron is cold."),
    ]


def test_words_parted_at_the_end_of_a_line_are_whole_again() -> None:
    def draw(canvas: Any) -> None:
        write(canvas, 60, 700, "Take the correc-", "tive action that is self-", "evident.", leading=14)

    (passage,) = split(draw)
    assert passage.text == "Take the corrective action that is self-evident."


def test_text_beyond_the_edge_of_the_page_is_not_read() -> None:
    def draw(canvas: Any) -> None:
        write(canvas, 60, 700, "Seen.")
        write(canvas, 60, -200, "Hidden.")

    assert [passage.text for passage in split(draw)] == ["Seen."]


def test_lines_that_stand_in_turn_in_two_columns_are_not_read_as_one() -> None:
    def draw(canvas: Any) -> None:
        write(canvas, 60, 760, "Text of the page that is set across all of it, from the left to the right side.")
        write(canvas, 60, 700, "Burr", font="Helvetica-Bold")
        write(canvas, 330, 692, "Crack", font="Helvetica-Bold")
        write(canvas, 60, 682, "File the edge of it.")
        write(canvas, 330, 672, "Scrap the part.")
        write(canvas, 60, 662, "Wash it then.")
        write(canvas, 330, 652, "Tell quality.")

    for found in split(draw):
        assert not found.certain or not ("File" in found.text and "Scrap" in found.text)


def test_a_head_row_that_comes_again_at_the_top_of_pages_is_no_running_head() -> None:
    def page(names: Sequence[str]) -> Draw:
        def draw(canvas: Any) -> None:
            write(canvas, 60, 770, "Defect", font="Helvetica-Bold")
            write(canvas, 200, 770, "Action", font="Helvetica-Bold")
            for number, name in enumerate(names):
                write(canvas, 60, 752 - 18 * number, name)
                write(canvas, 200, 752 - 18 * number, f"Do what helps against {name}.")
            for number in range(len(names) + 2):
                canvas.line(55, 782 - 18 * number, 500, 782 - 18 * number)

        return draw

    found = split(page(("Burr", "Crack")), page(("Stain", "Dent")), page(("Pore", "Chip")))
    assert [passage.text.splitlines()[0] for passage in found if passage.kind == "table"] == ["Defect | Action"] * 3


def test_a_footnote_is_not_of_the_section_above_it() -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(60, 700, "Burr")
        write(canvas, 60, 670, "File the edge and wash the part until it is clean.", "Look at it again.")
        canvas.setFont("Helvetica", 7)
        canvas.drawString(60, 100, "1) Crack: scrap the part.")

    section, note = split(draw)
    assert section.heading == ("Burr",)
    assert (note.heading, "Crack" in note.text) == ((), True)


@pytest.mark.parametrize("bullet", ["-", "[1]", "(1)", "1."])
def test_names_above_lists_of_causes_and_actions_are_headings(bullet: str) -> None:
    def draw(canvas: Any) -> None:
        write(canvas, 60, 700, f"{bullet} Burr", leading=14)
        write(canvas, 80, 686, "- Cause: worn pin.", "- Action: file the edge.", leading=14)
        write(canvas, 60, 658, f"{bullet} Crack", leading=14)
        write(canvas, 80, 644, "- Cause: shock.", "- Action: scrap the part.", leading=14)

    found = split(draw)
    assert ["file" in passage.text for passage in found] == [True, False]
    assert ["Crack" in passage.heading[-1] for passage in found] == [False, True]
