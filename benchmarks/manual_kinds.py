"""Further kinds of manual pages: cards, text boxes, side heads, upright labels, two languages, nested lists, footnotes.

Each draws defects into a page of manual_pages.py and notes what is true of them. A name that ends in `>` is that of a
kind which goes on on the next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.manual_pages import (
    MARGIN,
    Draw,
    Page,
    Sayings,
    note,
    section_lines,
    set_table,
    share_widths,
    title,
    write_lines,
)

WATERMARKS = ("", "across", "level", "over")
_BULLETS = (
    "▶",
    "☞",
    "✓",
    "※",
    "-",
    "ㅇ",
    "○",
    "●",
    "■",
    "→",
    "*",
    "◇",
    "·",
    "가.",
    "(1)",
    "1)",
    "①",
    "[1]",
    "ⓐ",
    "Step 1",
    "1단계",
)
_RINGS = "①②③④⑤⑥⑦⑧⑨"
_CIRCLED = "ⓐⓑⓒⓓⓔⓕ"
_SYLLABLES = "가나다라마바사"


@dataclass
class Cell:
    """A cell of a drawn table: its text and how many columns and rows it spans."""

    text: str
    columns: int = 1
    rows: int = 1
    how: str = "middle"
    upright: bool = False


@dataclass
class _Placed:
    cell: Cell
    row: int
    column: int
    lines: list[str] = field(default_factory=list)


def mark(bullet: str, number: int) -> str:
    """Return the bullet or number of the item `number`, from 1, in the way of `bullet`."""
    match bullet:
        case "가.":
            return f"{_SYLLABLES[number - 1]}."
        case "(1)":
            return f"({number})"
        case "1)":
            return f"{number})"
        case "①":
            return _RINGS[number - 1]
        case "[1]":
            return f"[{number}]"
        case "ⓐ":
            return _CIRCLED[number - 1]
        case "Step 1":
            return f"Step {number}"
        case "1단계":
            return f"{number}단계"
    return bullet


def draw_cells(
    page: Page,
    rows: Sequence[Sequence[Cell]],
    shares: Sequence[float],
    *,
    x0: float = MARGIN,
    width: float | None = None,
    bold_rows: int = 1,
    ruled: bool = True,
) -> None:
    """Draw a table with merged cells; `rows` hold the cells that begin in each row."""
    usable = width if width is not None else page.width - 2 * MARGIN
    edges = [x0]
    for share in shares:
        edges.append(edges[-1] + share * usable)
    leading, pad = page.size * 1.25, 4.0
    taken: set[tuple[int, int]] = set()
    placed: list[_Placed] = []
    for number, row in enumerate(rows):
        column = 0
        for cell in row:
            while (number, column) in taken:
                column += 1
            taken |= {(number + down, column + across) for down in range(cell.rows) for across in range(cell.columns)}
            wide = edges[column + cell.columns] - edges[column] - 8
            lines = list(cell.text) if cell.upright else page.wrap(cell.text, wide, bold=number < bold_rows)
            placed.append(_Placed(cell, number, column, lines))
            column += cell.columns
    heights = [leading + 2 * pad] * len(rows)
    for one in placed:
        if one.cell.rows == 1:
            heights[one.row] = max(heights[one.row], len(one.lines) * leading + 2 * pad)
    for one in placed:
        spanned = sum(heights[one.row : one.row + one.cell.rows])
        missing = len(one.lines) * leading + 2 * pad - spanned
        if missing > 0:
            for row_number in range(one.row, one.row + one.cell.rows):
                heights[row_number] += missing / one.cell.rows
    tops = [page.y]
    for height in heights:
        tops.append(tops[-1] + height)
    for one in placed:
        left, right = edges[one.column], edges[one.column + one.cell.columns]
        top, foot = tops[one.row], tops[one.row + one.cell.rows]
        free = foot - top - 2 * pad - len(one.lines) * leading
        start = top + pad + {"top": 0.0, "foot": free}.get(one.cell.how, free / 2)
        for place, line in enumerate(one.lines):
            page.write(left + 4, start + page.size * 0.95 + place * leading, line, bold=one.row < bold_rows)
        if ruled:
            page.line(left, top, right, top)
            page.line(left, foot, right, foot)
            page.line(left, top, left, foot)
            page.line(right, top, right, foot)
    page.y = tops[-1]


def _say(page: Page, korean: str, english: str) -> str:
    return korean if page.language == "ko" else english


def _title(page: Page) -> None:
    title(page, _say(page, "불량별 조치", "What to do about each defect"))


def draw_groups(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table whose rows are grouped: by a row across all columns, or by an upright label beside them."""
    how = page.chance.choice(("across", "beside", "beside upright"))
    _title(page)
    head = [_say(page, *pair) for pair in (("불량", "Defect"), ("원인", "Cause"), ("조치", "Action"))]
    rows: list[list[Cell]] = [
        [Cell(text) for text in (head if how == "across" else [_say(page, "구분", "Group"), *head])]
    ]
    for label in (("외관 불량", "Looks"), ("치수 불량", "Measures")):
        body = []
        for _ in range(page.chance.randint(2, 3)):
            name = names["long"].pop()
            cause, acts = note(page, name, sayings, f"groups {how}")
            body.append([Cell(name, how="top"), Cell(cause), Cell(acts[0])])
        text = _say(page, *label)
        if how == "across":
            rows += [[Cell(text, columns=3)], *body]
        else:
            is_upright = how.endswith("upright")
            first = Cell(text.replace(" ", "") if is_upright else text, rows=len(body), upright=is_upright)
            rows += [[first, *body[0]], *body[1:]]
    shares = [0.2, 0.4, 0.4] if how == "across" else [0.1, 0.18, 0.36, 0.36]
    draw_cells(page, rows, shares)


def draw_shared(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table where one cell holds the action of two defects, or cause and action of one are one cell."""
    _title(page)
    rows = [[Cell(_say(page, *pair)) for pair in (("불량", "Defect"), ("원인", "Cause"), ("조치", "Action"))]]
    for _ in range(2):
        one, two, three = (names["long"].pop() for _ in range(3))
        cause, acts = note(page, one, sayings, "shared rows")
        other = sayings.cause()
        page.defects.append((two, (other,), (acts[0],), "shared rows"))
        rows += [[Cell(one), Cell(cause), Cell(acts[0], rows=2)], [Cell(two), Cell(other)]]
        cause, acts = note(page, three, sayings, "shared columns")
        rows.append([Cell(three), Cell(f"{cause} {acts[0]}", columns=2)])
    draw_cells(page, rows, [0.2, 0.4, 0.4])


def draw_graded(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table with narrow columns of one character beside the wrapped ones, with or without rules."""
    ruled = page.chance.random() < 0.5
    _title(page)
    head = [
        _say(page, *pair)
        for pair in (("No", "No"), ("불량", "Defect"), ("원인", "Cause"), ("등급", "Cl"), ("조치", "Action"))
    ]
    rows = [head]
    for number in range(1, page.chance.randint(4, 5)):
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, f"graded {'ruled' if ruled else 'plain'}")
        rows.append([str(number), name, cause, page.chance.choice("ABC"), acts[0]])
    set_table(
        page,
        rows,
        "all" if ruled else page.chance.choice(("none", "level")),
        page.chance.choice(("top", "middle", "center")),
        [0.07, 0.18, 0.34, 0.07, 0.34],
    )


def draw_cards(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a card for each defect, two beside each other: a small table of words and what they say."""
    ruled = page.chance.random() < 0.7
    beside = page.chance.random() < 0.6
    _title(page)
    width = (page.width - 2 * MARGIN - 16) / (2 if beside else 1)
    words = [_say(page, *pair) for pair in (("불량명", "Defect"), ("원인", "Cause"), ("조치", "Action"))]
    for _ in range(2 if beside else 3):
        top, end = page.y, page.y
        for number in range(2 if beside else 1):
            name = names["long"].pop()
            cause, acts = note(
                page, name, sayings, f"cards {'beside' if beside else 'below'} {'ruled' if ruled else 'plain'}"
            )
            rows = [[Cell(word), Cell(text)] for word, text in zip(words, (name, cause, acts[0]), strict=True)]
            page.y = top
            draw_cells(
                page, rows, [0.25, 0.75], x0=MARGIN + number * (width + 16), width=width, bold_rows=0, ruled=ruled
            )
            end = max(end, page.y)
        page.y = end + 18


def draw_side_heads(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw each defect's name in the margin at the left of what is said about it."""
    _title(page)
    page.y += 16
    is_bold = page.chance.random() < 0.5
    left = 110.0
    for _ in range(page.chance.randint(3, 4)):
        name = names["long"].pop()
        cause, acts = note(
            page, name, sayings, f"side heads {'bold' if is_bold else 'plain'}", actions=page.chance.randint(1, 2)
        )
        page.write(MARGIN, page.y, name, bold=is_bold)
        lines = [(f"{_say(page, '원인', 'Cause')}: {cause}", False)]
        lines += [(f"{_say(page, '조치', 'Action')}: {act}", False) for act in acts]
        page.y = (
            write_lines(page, lines, MARGIN + left, page.y - page.size * 0.14, page.width - 2 * MARGIN - left)
            + page.size * 0.8
        )


def draw_bullets(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw sections whose actions are lists with bullets or numbers of one of many ways."""
    bullets = [one for one in _BULLETS if page.bold.startswith("Nanum") or one.isascii()]
    page.y += 20
    for _ in range(3):
        bullet = page.chance.choice(bullets)
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, f"bullets {bullet}", actions=3)
        page.write(MARGIN, page.y, name, bold=True, size=page.size * 1.25)
        page.y += page.size * 1.8
        lines = [
            (_say(page, "원인", "Cause"), True),
            (f"{mark(bullet, 1)} {cause}", False),
            (_say(page, "조치", "Action"), True),
        ]
        lines += [(f"{mark(bullet, number)} {act}", False) for number, act in enumerate(acts, start=1)]
        page.y = write_lines(page, lines, MARGIN, page.y, page.width - 2 * MARGIN) + page.size


def draw_nested(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw one list in which each defect is an item, and what is said of it stands below it, set in."""
    _title(page)
    page.y += 16
    outer, inner = page.chance.choice((("●", "-"), ("1.", "-"), ("■", "○"), ("1)", "•"), ("-", "-")))
    if not page.bold.startswith("Nanum"):
        outer, inner = page.chance.choice((("1.", "-"), ("1)", "•"), ("-", "-")))
    leading = page.size * 1.45
    for number in range(1, 5):
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, f"nested {outer} {inner}", actions=page.chance.randint(1, 2))
        first = mark(outer, number) if outer != "1." else f"{number}."
        page.write(MARGIN, page.y, f"{first} {name}")
        page.y += leading
        texts = [f"{_say(page, '원인', 'Cause')}: {cause}", *(f"{_say(page, '조치', 'Action')}: {act}" for act in acts)]
        for text in texts:
            for place, line in enumerate(page.wrap(text, page.width - 2 * MARGIN - 40)):
                page.write(MARGIN + 18 + (10 if place else 0), page.y, f"{inner} {line}" if place == 0 else line)
                page.y += leading


def draw_boxes(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw sections with a framed box beside each that is about another defect, or gives a general warning."""
    page.y += 20
    for number in range(1, 3):
        name, other = names["long"].pop(), names["long"].pop()
        top = page.y
        page.write(MARGIN, page.y, f"{number}. {name}", bold=True, size=page.size * 1.25)
        page.y += page.size * 1.9
        left_width = (page.width - 2 * MARGIN) * 0.58
        end = write_lines(page, section_lines(page, name, sayings, "boxes"), MARGIN, page.y, left_width)
        x = MARGIN + left_width + 22
        width = page.width - MARGIN - x
        cause, acts = note(page, other, sayings, "boxes beside")
        lines = [
            (other, True),
            (f"{_say(page, '원인', 'Cause')}: {cause}", False),
            (f"{_say(page, '조치', 'Action')}: {acts[0]}", False),
        ]
        foot = write_lines(page, lines, x + 6, top + page.size * 0.6, width - 12)
        if page.chance.random() < 0.7:
            for ends in (
                (x, top - 8, x + width, top - 8),
                (x, foot, x + width, foot),
                (x, top - 8, x, foot),
                (x + width, top - 8, x + width, foot),
            ):
                page.line(*ends)
        page.y = max(end, foot) + page.size * 2


def draw_coded(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw sections or a table of defects that have a code only; another row refers to one of them."""
    is_table = page.chance.random() < 0.5
    if is_table:
        _title(page)
        rows = [[_say(page, *pair) for pair in (("코드", "Code"), ("원인", "Cause"), ("조치", "Action"))]]
        for _ in range(5):
            name = names["codes"].pop()
            cause, acts = note(page, name, sayings, "coded table")
            rows.append([name, cause, acts[0]])
        set_table(
            page,
            rows,
            page.chance.choice(("all", "level", "none")),
            page.chance.choice(("top", "middle")),
            [0.14, 0.43, 0.43],
        )
        return
    page.y += 20
    for _ in range(4):
        name = names["codes"].pop()
        page.write(
            MARGIN,
            page.y,
            page.chance.choice((name, f"[{name}]", f"{_say(page, '불량 코드', 'Defect code')} {name}")),
            bold=True,
            size=page.size * 1.2,
        )
        page.y += page.size * 1.8
        page.y = (
            write_lines(
                page, section_lines(page, name, sayings, "coded sections"), MARGIN, page.y, page.width - 2 * MARGIN
            )
            + page.size
        )


def draw_footnotes(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw sections with footnotes in small print that are about other defects, each named there."""
    page.y += 20
    notes = []
    for number in range(1, 4):
        name = names["long"].pop()
        page.write(MARGIN, page.y, f"{number}. {name}", bold=True, size=page.size * 1.25)
        page.y += page.size * 1.8
        page.y = (
            write_lines(page, section_lines(page, name, sayings, "footnotes"), MARGIN, page.y, page.width - 2 * MARGIN)
            + page.size
        )
        notes.append(name)
    small = page.size * 0.8
    y = page.height - MARGIN - 40
    page.line(MARGIN, y - small * 1.6, MARGIN + 130, y - small * 1.6)
    for number, name in enumerate(page.chance.sample(notes, 2), start=1):
        act = sayings.action()
        page.also[name] = (act,)
        page.write(MARGIN, y, f"{number}) {name}: {act}", size=small)
        y += small * 1.4


def draw_both(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw what is said of each defect in both languages beside each other: columns of a table, or of text."""
    from benchmarks.manual_pages import Sayings as Both

    how = page.chance.choice(("table", "columns"))
    other = Both(page.chance, "en" if page.language == "ko" else "ko")
    if not page.font.startswith(("Nanum", "Unmapped")):
        page.font, page.bold = "NanumGothic", "NanumGothicBold"
    _title(page)
    ko_first = page.language == "ko"
    words = (("원인", "조치"), ("Cause", "Action"))
    rows = [[_say(page, "불량", "Defect"), *("조치", "Action")[:: 1 if ko_first else -1]]]
    gap = 24.0
    width = (page.width - 2 * MARGIN - gap) / 2
    if how == "columns":
        page.y += 20
    for _ in range(3):
        name = names["long"].pop()
        act, foreign, foreign_cause = sayings.action(), other.action(), other.cause()
        page.also[name] = (foreign, foreign_cause)
        if how == "table":
            page.defects.append((name, (), (act,), "both table"))
            rows.append([name, act, foreign])
            continue
        cause = sayings.cause()
        page.defects.append((name, (cause,), (act,), "both columns"))
        page.write(MARGIN, page.y, name, bold=True, size=page.size * 1.25)
        page.y += page.size * 1.9
        own, their = words if ko_first else words[::-1]
        first = write_lines(page, [(f"{own[0]}: {cause}", False), (f"{own[1]}: {act}", False)], MARGIN, page.y, width)
        second = write_lines(
            page,
            [(f"{their[0]}: {foreign_cause}", False), (f"{their[1]}: {foreign}", False)],
            MARGIN + width + gap,
            page.y,
            width,
        )
        page.y = max(first, second) + page.size
    if how == "table":
        set_table(page, rows, page.chance.choice(("all", "level", "none")), page.chance.choice(("top", "middle")))


def draw_going_on(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a section whose steps go on on the next page, above the section of another defect."""
    page.y += 20
    first, last, after = (names["long"].pop() for _ in range(3))
    page.write(MARGIN, page.y, f"1. {first}", bold=True, size=page.size * 1.25)
    page.y += page.size * 1.9
    page.y = (
        write_lines(
            page, section_lines(page, first, sayings, "going on first"), MARGIN, page.y, page.width - 2 * MARGIN
        )
        + page.size
    )
    page.write(MARGIN, page.y, f"2. {last}", bold=True, size=page.size * 1.25)
    page.y += page.size * 1.9
    cause, acts = note(page, last, sayings, "going on", actions=5)
    lines = [(_say(page, "원인", "Cause"), True), (cause, False), (_say(page, "조치", "Action"), True)]
    numbered = [(f"{number}. {act}", False) for number, act in enumerate(acts, start=1)]
    page.y = write_lines(page, [*lines, *numbered[:2]], MARGIN, page.y, page.width - 2 * MARGIN)

    def go_on(later: Page) -> None:
        later.y = write_lines(later, numbered[2:], MARGIN, later.y + 14, later.width - 2 * MARGIN) + later.size
        later.write(MARGIN, later.y, f"3. {after}", bold=True, size=later.size * 1.25)
        later.y += later.size * 1.9
        write_lines(
            later, section_lines(later, after, sayings, "going on after"), MARGIN, later.y, later.width - 2 * MARGIN
        )

    page.rest = go_on


def draw_parted_row(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table whose last row on the page goes on on the next one, there without a name and without a head."""
    ruled = page.chance.random() < 0.6
    _title(page)
    shares = share_widths(page, 3)
    head = [_say(page, *pair) for pair in (("불량", "Defect"), ("원인", "Cause"), ("조치", "Action"))]
    rows: list[list[str]] = []
    for _ in range(4):
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, f"parted row {'ruled' if ruled else 'plain'}")
        rows.append([name, cause, acts[0]])
    name, cause, more = names["long"].pop(), sayings.cause(), sayings.action()
    acts_before, acts_after = sayings.action(), more
    page.defects.append((name, (cause,), (acts_before,), "parted row last"))
    page.also[name] = (acts_after,)
    ruling = "all" if ruled else "level"
    set_table(page, [head, *rows, [name, cause, acts_before]], ruling, "top", shares)

    def go_on(later: Page) -> None:
        later.y += 12
        below = [["", "", acts_after]]
        for _ in range(3):
            another = names["long"].pop()
            its_cause, its_acts = note(later, another, sayings, "parted row after")
            below.append([another, its_cause, its_acts[0]])
        set_table(later, below, ruling, "top", shares, has_head=False)

    page.rest = go_on


def draw_transposed(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table with a column for each defect."""
    _title(page)
    found = [names["long"].pop() for _ in range(3)]
    said = [note(page, name, sayings, "transposed") for name in found]
    rows = [
        [_say(page, "구분", "Item"), *found],
        [_say(page, "원인", "Cause"), *(cause for cause, _acts in said)],
        [_say(page, "조치", "Action"), *(acts[0] for _cause, acts in said)],
    ]
    set_table(
        page,
        rows,
        page.chance.choice(("all", "level", "none")),
        page.chance.choice(("top", "middle")),
        [0.13, 0.29, 0.29, 0.29],
    )


def draw_matrix(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table of actions with a mark for each defect that they are taken for, and a dash for the others."""
    _title(page)
    found = [names["long"].pop() for _ in range(3)]
    yes, no = page.chance.choice((("O", "X"), ("O", "-"), ("Y", "N"), ("O", "")))
    rows = [[_say(page, "조치", "Action"), *found]]
    acts: dict[str, list[str]] = {name: [] for name in found}
    for number in range(5):
        act = sayings.action()
        whose = found[number % 3]
        acts[whose].append(act)
        rows.append([act, *(yes if name == whose else no for name in found)])
    for name in found:
        page.defects.append((name, (), tuple(acts[name]), f"matrix {yes}/{no}"))
    set_table(page, rows, "all", "top", [0.46, 0.18, 0.18, 0.18])


def draw_chapters(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a chapter of causes and one of actions, each with a heading or an item for every defect."""
    page.y += 20
    how = page.chance.choice(("headings", "items"))
    found = [names["long"].pop() for _ in range(3)]
    said = [note(page, name, sayings, f"chapters {how}") for name in found]
    for place, word in enumerate((("1. 원인", "1. Causes"), ("2. 조치", "2. Actions"))):
        page.write(MARGIN, page.y, _say(page, *word), bold=True, size=page.size * 1.4)
        page.y += page.size * 2.2
        for number, (name, (cause, acts)) in enumerate(zip(found, said, strict=True), start=1):
            text = cause if place == 0 else acts[0]
            if how == "items":
                lines = [(f"- {name}: {text}", False)]
            else:
                lines = [(f"{place + 1}.{number} {name}", True), (text, False)]
            page.y = write_lines(page, lines, MARGIN, page.y, page.width - 2 * MARGIN) + page.size * 0.5


FURTHER: dict[str, Draw] = {
    "groups": draw_groups,
    "shared": draw_shared,
    "graded": draw_graded,
    "cards": draw_cards,
    "side heads": draw_side_heads,
    "bullets": draw_bullets,
    "nested": draw_nested,
    "boxes": draw_boxes,
    "coded": draw_coded,
    "footnotes": draw_footnotes,
    "both": draw_both,
    "going on>": draw_going_on,
    "parted row>": draw_parted_row,
    "transposed": draw_transposed,
    "matrix": draw_matrix,
    "chapters": draw_chapters,
}
