"""What the child process runs: it opens a PDF from its standard input and writes what is in it to standard output.

    python -I pdf_child.py read MEMORY_BYTES CPU_S MAX_PAGES FIRST STEP
    python -I pdf_child.py render MEMORY_BYTES CPU_S PAGE WIDTH_PX MARKS_JSON

`read` writes one JSON object a line: {"pages", "title"} first, then one for every STEPth page from FIRST (0) on;
`render` writes a PNG.
A refusal is one line {"error", …}. Imports nothing of the product, so that it starts fast and holds no secrets.
"""

from __future__ import annotations

import ctypes
import io
import itertools
import json
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_PAGE_CHARACTERS = 200_000
_DOCUMENT_CHARACTERS = 20_000_000
_UNITS = 1_000_000
_HIGHEST_PIXELS = 25_000_000
_MARK_COLOR = (255, 236, 130)
_BOLD_WEIGHT = 600
_SPACES = frozenset(map(ord, " \r\n\t\u00a0\u3000\x00\u200b"))
_HYPHENS = frozenset((0x02, 0xFFFE, 0xAD))
_QUARTER = 1.5707963267948966
# A text that is turned by more than this share of a quarter beyond one runs across the page.
_SKEW = 0.06
# How light a text is that stands behind the others; white is that of a dark head row.
_PALE = (0.6, 0.97)
_LARGE_PT = 13.0
_FAR = 1000.0
# A letter this much of its size off the line of the one before stands on another line; raised ones are nearer.
_OFF_LINE = 0.75
_DEPTH, _RULES = 4, 6000
_BOX_SEGMENTS, _STRAIGHT_PT = 6, 0.6


def main(arguments: list[str]) -> int:
    """Limit this process, then do what was asked; the exit status is 0 also for a refusal."""
    task, memory_bytes, cpu_s, *rest = arguments
    _limit(int(memory_bytes), int(cpu_s))
    try:
        document = _open(sys.stdin.buffer.read())
        if isinstance(document, str):
            _say({"error": document})
        elif task == "read":
            _read(document, max_pages=int(rest[0]), first=int(rest[1]), step=int(rest[2]))
        else:
            _render(document, int(rest[0]), width_px=int(rest[1]), marks=json.loads(rest[2]))
    except MemoryError:
        _say({"error": "pdf_out_of_memory"})
    return 0


def _limit(memory_bytes: int, cpu_s: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only limit there
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _say(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _open(content: bytes) -> PdfDocument | str:
    """Return the document, or the code of the refusal."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        return "pdf_encrypted" if locked else "pdf_damaged"


def _read(document: PdfDocument, *, max_pages: int, first: int, step: int) -> None:
    import pypdfium2

    pages = len(document)
    if pages > max_pages:
        _say({"error": "pdf_too_many_pages", "pages": pages, "limit": max_pages})
        return
    _say({"pages": pages, "title": document.get_metadata_value("Title")})
    characters = 0
    for index in range(first, pages, step):
        try:
            page = document[index]
            found = _words(page)
            page.close()
        except pypdfium2.PdfiumError:
            _say({"damaged": True})
            continue
        characters += sum(len(word[0]) for word in found["words"])
        if characters > _DOCUMENT_CHARACTERS:
            raise MemoryError
        _say(found)


def _words(page: PdfPage) -> dict[str, Any]:
    """Return what stands on the page as it is shown, in points from its top left corner.

    `words` are [text, x0, y0, x1, y1, base_x, base_y, size_pt, turn, bold, pale, legible, font]: the corners around its
    letters and where its base line begins; `turn` counts the quarters of a turn clockwise, -1 is any other angle.
    `rules` are [x0, y0, x1, y1] of lines and of the edges of boxes.
    """
    text = page.get_textpage()
    try:
        shown = _Shown(page)
        reader = _WordReader(text, shown, page.get_rotation() // 90)
        return {"width": shown.width, "height": shown.height, "words": reader.read(), "rules": _rules(page, shown)}
    finally:
        text.close()


class _Shown:
    """Turns points of the page's own system into points of the page as it is shown: turned and cropped."""

    def __init__(self, page: PdfPage) -> None:
        self.width, self.height = page.get_size()
        origin, right, up = (self._ask(page, x, y) for x, y in ((0, 0), (_FAR, 0), (0, _FAR)))
        self._origin = origin
        self._x = ((right[0] - origin[0]) / _FAR, (right[1] - origin[1]) / _FAR)
        self._y = ((up[0] - origin[0]) / _FAR, (up[1] - origin[1]) / _FAR)

    def _ask(self, page: PdfPage, x: float, y: float) -> tuple[float, float]:
        from pypdfium2 import raw

        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, _UNITS, _UNITS, 0, x, y, across, down)
        return across.value / _UNITS * self.width, down.value / _UNITS * self.height

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return the point as it is shown."""
        return (
            self._origin[0] + x * self._x[0] + y * self._y[0],
            self._origin[1] + x * self._x[1] + y * self._y[1],
        )

    def box(self, x0: float, y0: float, x1: float, y1: float) -> list[float]:
        """Return the box around both corners as it is shown."""
        (ax, ay), (bx, by) = self.point(x0, y0), self.point(x1, y1)
        return [round(value, 2) for value in (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))]


class _WordReader:
    """Reads the words of a page from its letters: parted at spaces, ends of lines, turns and jumps."""

    def __init__(self, text: PdfTextPage, shown: _Shown, page_turn: int) -> None:
        from pypdfium2 import raw

        self._raw = raw
        self._text = text.raw
        self._count = min(text.count_chars(), _PAGE_CHARACTERS)
        self._shown = shown
        self._page_turn = page_turn
        self._fonts: dict[int | None, tuple[int, bool]] = {}
        self._box, self._matrix = raw.FS_RECTF(), raw.FS_MATRIX()
        self._drawn: int | None = None
        self._angle = 0.0
        self._style: list[Any] = []

    def read(self) -> list[list[Any]]:
        """Return the words in the order of the page's own stream."""
        words: list[list[Any]] = []
        letters: list[tuple[int, float, float]] = []
        corners: list[float] = []
        start = 0
        get_unicode, get_box, box = self._raw.FPDFText_GetUnicode, self._raw.FPDFText_GetLooseCharBox, self._box
        for index in range(self._count):
            letter = get_unicode(self._text, index)
            is_space = letter in _SPACES
            if not is_space:
                get_box(self._text, index, box)
                left, bottom, right, top = box.left, box.bottom, box.right, box.top
                if letters and (
                    self._jumps(corners, left, bottom, right, top)
                    or self._leaves_line(letters[-1], (left + right) / 2, (bottom + top) / 2)
                ):
                    is_space = True
            if is_space and letters:
                words.append(self._word(letters, corners, start))
                letters, corners = [], []
            if letter in _SPACES:
                continue
            if letters:
                if left < corners[0]:
                    corners[0] = left
                if bottom < corners[1]:
                    corners[1] = bottom
                if right > corners[2]:
                    corners[2] = right
                if top > corners[3]:
                    corners[3] = top
            else:
                start, corners = index, [left, bottom, right, top]
                self._style_of(start)
            letters.append((letter, (left + right) / 2, (bottom + top) / 2))
        if letters:
            words.append(self._word(letters, corners, start))
        return words

    @staticmethod
    def _jumps(corners: list[float], left: float, bottom: float, right: float, top: float) -> bool:
        reach = 0.6 * max(min(right - left, top - bottom), 2.0) + 1.0
        return (
            left > corners[2] + reach
            or right < corners[0] - reach
            or bottom > corners[3] + reach
            or top < corners[1] - reach
        )

    def _leaves_line(self, before: tuple[int, float, float], x: float, y: float) -> bool:
        """Return whether a letter stands off the line of the one before: turned lines may end without a space."""
        dx, dy = x - before[1], y - before[2]
        away = dy if not self._angle else dx * math.sin(self._angle) + dy * math.cos(self._angle)
        return bool(abs(away) > _OFF_LINE * self._style[0])

    def _word(self, letters: list[tuple[int, float, float]], corners: list[float], start: int) -> list[Any]:
        angle, style = self._style_of(start)
        units = b"".join(
            (number if number not in _HYPHENS else 0xAD).to_bytes(2, "little")
            for number in _in_order(letters, angle)
            if number <= 0xFFFF
        )
        text = units.decode("utf-16-le", "replace")
        x, y = ctypes.c_double(), ctypes.c_double()
        self._raw.FPDFText_GetCharOrigin(self._text, start, x, y)
        base = self._shown.point(x.value, y.value)
        return [text, *self._shown.box(*corners), round(base[0], 2), round(base[1], 2), *style]

    def _style_of(self, index: int) -> tuple[float, list[Any]]:
        """Return the angle of a letter, and its size, turn and so on; all letters that are drawn at once share them."""
        raw = self._raw
        drawn = raw.FPDFText_GetTextObject(self._text, index)
        place = ctypes.cast(drawn, ctypes.c_void_p).value
        if place is None or place != self._drawn:
            self._drawn = place
            size_pt, angle = self._size_and_angle(index)
            quarters = angle / _QUARTER
            turn = (round(quarters) + self._page_turn) % 4 if abs(quarters - round(quarters)) < _SKEW else -1
            font, bold = self._font(drawn, index)
            legible = not raw.FPDFText_HasUnicodeMapError(self._text, index)
            # Only what is large, or stands at an angle, can be a watermark.
            pale = (size_pt >= _LARGE_PT or turn == -1) and self._is_pale(index)
            self._angle, self._style = angle, [size_pt, turn, bold, pale, legible, font]
        return self._angle, self._style

    def _size_and_angle(self, index: int) -> tuple[float, float]:
        """Return the size as seen, as many programs set the font at 1 pt and enlarge it, and the angle clockwise."""
        matrix = self._matrix
        size: float = self._raw.FPDFText_GetFontSize(self._text, index)
        if not self._raw.FPDFText_GetMatrix(self._text, index, matrix):
            return round(abs(size), 2), float(self._raw.FPDFText_GetCharAngle(self._text, index))
        size *= math.hypot(matrix.c, matrix.d)
        return round(abs(size), 2), -math.atan2(matrix.b, matrix.a)

    def _font(self, drawn: Any, index: int) -> tuple[int, bool]:
        """Return a number for the font, and whether it is bold."""
        place = ctypes.cast(self._raw.FPDFTextObj_GetFont(drawn), ctypes.c_void_p).value if drawn else None
        known = self._fonts.get(place)
        if known is None or place is None:
            name = ctypes.create_string_buffer(128)
            length = self._raw.FPDFText_GetFontInfo(self._text, index, name, len(name), None)
            is_named = 0 < length <= len(name) and b"bold" in name.value.lower()
            bold = is_named or int(self._raw.FPDFText_GetFontWeight(self._text, index)) >= _BOLD_WEIGHT
            known = self._fonts[place] = (len(self._fonts), bold)
        return known

    def _is_pale(self, index: int) -> bool:
        red, green, blue, cover = (ctypes.c_uint() for _ in range(4))
        if not self._raw.FPDFText_GetFillColor(self._text, index, red, green, blue, cover):
            return False
        light = (0.3 * red.value + 0.59 * green.value + 0.11 * blue.value) / 255
        seen = 1 - (1 - light) * cover.value / 255
        return _PALE[0] < seen < _PALE[1]


def _in_order(letters: list[tuple[int, float, float]], angle: float) -> list[int]:
    """Return the letters of a word as they follow each other on the page.

    Where the page or its text is turned, those of several fonts may come in another order.
    """
    across, up = math.cos(angle), -math.sin(angle)
    places = [x * across + y * up for _letter, x, y in letters] if angle else [x for _letter, x, _y in letters]
    if all(before <= place for before, place in itertools.pairwise(places)):
        return [letter for letter, _x, _y in letters]
    return [letter for _place, (letter, _x, _y) in sorted(zip(places, letters, strict=True), key=lambda pair: pair[0])]


def _rules(page: PdfPage, shown: _Shown) -> list[list[float]]:
    """Return the straight lines and the boxes that are drawn on the page, those in drawings of their own as well."""
    from pypdfium2 import raw

    rules: list[list[float]] = []
    for drawn in page.get_objects([raw.FPDF_PAGEOBJ_PATH], max_depth=_DEPTH):
        if len(rules) >= _RULES:
            break
        if not _is_straight(drawn.raw):
            continue
        rules.append(shown.box(*_bounds(drawn)))
    return rules


def _bounds(drawn: Any) -> tuple[float, float, float, float]:
    left, bottom, right, top = drawn.get_bounds()
    form = drawn.container
    while form is not None:
        matrix = form.get_matrix()
        corners = [matrix.on_point(x, y) for x in (left, right) for y in (bottom, top)]
        left, right = min(x for x, _ in corners), max(x for x, _ in corners)
        bottom, top = min(y for _, y in corners), max(y for _, y in corners)
        form = form.container
    return left, bottom, right, top


def _is_straight(path: Any) -> bool:
    """Return whether a path is one line or one upright box: nothing else parts the cells of a table."""
    from pypdfium2 import raw

    count = raw.FPDFPath_CountSegments(path)
    if not 2 <= count <= _BOX_SEGMENTS:
        return False
    x, y = ctypes.c_float(), ctypes.c_float()
    before: tuple[float, float] | None = None
    for number in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_BEZIERTO:
            return False
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if before is not None and min(abs(x.value - before[0]), abs(y.value - before[1])) > _STRAIGHT_PT:
            return False
        before = x.value, y.value
    return True


def _render(document: PdfDocument, number: int, *, width_px: int, marks: list[list[float]]) -> None:
    import pypdfium2

    if not 1 <= number <= len(document):
        _say({"error": "pdf_page_missing", "page": number})
        return
    try:
        page = document[number - 1]
        width_pt, height_pt = page.get_size()
        if width_pt <= 0 or height_pt <= 0:
            _say({"error": "pdf_damaged"})
            return
        scale = min(width_px / width_pt, (_HIGHEST_PIXELS / (width_pt * height_pt)) ** 0.5)
        image = page.render(scale=scale).to_pil().convert("RGB")
    except pypdfium2.PdfiumError:
        _say({"error": "pdf_damaged"})
        return
    for mark in marks:
        _mark(image, mark)
    picture = io.BytesIO()
    image.save(picture, "PNG", compress_level=3)
    sys.stdout.buffer.write(picture.getvalue())


def _mark(image: Image, mark: list[float]) -> None:
    """Mark a place as a marker pen does: the paper is colored, the letters stay black."""
    from PIL import Image as Images
    from PIL import ImageChops

    width, height = image.size
    margin = max(2, width // 250)
    box = (
        max(0, int(mark[0] * width) - margin),
        max(0, int(mark[1] * height) - margin),
        min(width, int(mark[2] * width) + margin),
        min(height, int(mark[3] * height) + margin),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = image.crop(box)
    image.paste(ImageChops.multiply(part, Images.new("RGB", part.size, _MARK_COLOR)), box)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
