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
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

# Two words with more than this many font sizes between them are cells of a table, not one line.
_CELL_GAP_EM = 1.4
_PAGE_CHARACTERS = 200_000
_DOCUMENT_CHARACTERS = 20_000_000
_UNITS = 1_000_000
_HIGHEST_PIXELS = 25_000_000
_MARK_COLOR = (255, 236, 130)
_BOLD_WEIGHT = 600
_LINE_ENDS = "\r\n"
_HYPHENS = "\x02\ufffe\u00ad"


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
            lines = _lines(page)
            page.close()
        except pypdfium2.PdfiumError:
            _say({"damaged": True})
            continue
        characters += sum(len(line[0]) for line in lines)
        if characters > _DOCUMENT_CHARACTERS:
            raise MemoryError
        _say({"lines": lines})


def _lines(page: PdfPage) -> list[list[Any]]:
    """Return [text, [x0, y0, x1, y1], size_pt, bold] of each line or cell, in the order of the page's own stream."""
    from pypdfium2 import raw

    text = page.get_textpage()
    try:
        count = min(text.count_chars(), _PAGE_CHARACTERS)
        letters = [_letter(raw.FPDFText_GetUnicode(text, index)) for index in range(count)]
        found = []
        start = 0
        for index in range(count + 1):
            if index == count or letters[index] in _LINE_ENDS:
                found += _cells(page, text, letters, start=start, end=index)
                start = index + 1
        return found
    finally:
        text.close()


def _letter(number: int) -> str:
    letter = chr(number) if number <= sys.maxunicode else " "
    return "-" if letter in _HYPHENS else letter


def _cells(page: PdfPage, text: PdfTextPage, letters: list[str], *, start: int, end: int) -> list[list[Any]]:
    while start < end and letters[start].isspace():
        start += 1
    while end > start and letters[end - 1].isspace():
        end -= 1
    if start == end:
        return []
    size_pt = _size_pt(text, start)
    cells = []
    index = begin = start
    while index < end:
        if not letters[index].isspace():
            index += 1
            continue
        last = index - 1
        while letters[index].isspace():
            index += 1
        if _x_range(text, index)[0] - _x_range(text, last)[1] > _CELL_GAP_EM * size_pt:
            cells.append(_cell(page, text, letters, start=begin, end=last + 1))
            begin = index
    cells.append(_cell(page, text, letters, start=begin, end=end))
    return [cell for cell in cells if cell]


def _cell(page: PdfPage, text: PdfTextPage, letters: list[str], *, start: int, end: int) -> list[Any]:
    words = "".join(letters[start:end]).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    boxes = [text.get_rect(index) for index in range(text.count_rects(start, end - start))]
    if not boxes:
        return []
    corners = [_to_fractions(page, x, y) for box in boxes for x, y in ((box[0], box[1]), (box[2], box[3]))]
    across, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
    middle = (start + end - 1) // 2
    while middle > start and letters[middle].isspace():
        middle -= 1
    bold = _is_bold(text, middle)
    return [words, [min(across), min(down), max(across), max(down)], _size_pt(text, middle), bold]


def _x_range(text: PdfTextPage, index: int) -> tuple[float, float]:
    left, _bottom, right, _top = text.get_charbox(index)
    return left, right


def _size_pt(text: PdfTextPage, index: int) -> float:
    """Return the size as seen: many programs set the font at 1 pt and enlarge it by the matrix."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    size: float = raw.FPDFText_GetFontSize(text, index)
    if raw.FPDFText_GetMatrix(text, index, matrix):
        size *= float((matrix.c**2 + matrix.d**2) ** 0.5)
    return round(abs(size), 2)


def _is_bold(text: PdfTextPage, index: int) -> bool:
    from pypdfium2 import raw

    name = ctypes.create_string_buffer(128)
    length = raw.FPDFText_GetFontInfo(text, index, name, len(name), None)
    if 0 < length <= len(name) and b"bold" in name.value.lower():
        return True
    return int(raw.FPDFText_GetFontWeight(text, index)) >= _BOLD_WEIGHT


def _to_fractions(page: PdfPage, x: float, y: float) -> tuple[float, float]:
    """Return the point as fractions of the page as it is shown: turned and cropped."""
    from pypdfium2 import raw

    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, _UNITS, _UNITS, 0, x, y, across, down)
    return (min(max(across.value / _UNITS, 0.0), 1.0), min(max(down.value / _UNITS, 0.0), 1.0))


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
