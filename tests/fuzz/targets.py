"""What is fuzzed: each target takes the bytes of one hostile file, and may raise our own errors only.

To add one: a function of the bytes, the errors that are right answers, and some small valid files to begin with.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.errors import AppError
from core.files.archives import open_archive
from core.images.imports.planning import plan_import
from core.images.imports.records import ImportPlan
from core.images.imports.sources import source_of
from core.images.records import IncomingFile
from inference.errors import ImageError, ManualError
from inference.language.extractive import collect_sections
from inference.language.guidance import Finding
from inference.language.layout.furniture import Furniture
from inference.language.passages import split_passages
from inference.language.pdf_text import PdfText, lay_out_page, read_pdf
from inference.vision.images.decode import decode, decode_mask
from inference.vision.images.measures.summary import summarize
from tests.manual_files import simple_pdf
from tests.zip_files import make_zip

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_NAMES = ("set.csv", "annotations.json", "images/a.xml", "images/a.json", "labels/a.txt", "data.yaml", "cvat.xml")
_MOST_ENTRIES = 20
_WORDS = (
    "불량",
    "원인",
    "조치",
    "기공",
    "버",
    "1.",
    "-",
    "Cause:",
    "Action:",
    "Defect",
    "A",
    "가.",
    "닦는다.",
    "Clean it.",
    "•",
    "|",
)
_FINDING = Finding("part", "reject", 2.0, 0.5, 1.0, "ko", defect_name_ko="기공", other_defects=(("버",),))


@dataclass(frozen=True)
class Target:
    """`run` gets one file; `share` is how much of all runs it gets. `mend` makes checksums right after a mutation."""

    run: Callable[[bytes], None]
    allowed: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]
    share: float
    mend: Callable[[bytes], bytes] = lambda data: data


def draw() -> np.typing.NDArray[np.uint8]:
    """Return a small picture with edges and a gradient."""
    gray = np.add.outer(np.arange(40), np.arange(56) * 2).astype(np.uint8)
    picture = np.dstack([gray, 255 - gray, gray // 2])
    picture[10:20, 15:30] = (250, 20, 20)
    return picture


def _image_seeds() -> list[bytes]:
    picture = draw()
    made = [_save(picture, image_format) for image_format in _FORMATS]
    made += [_save(picture, "JPEG", progressive=True), _save(picture[..., 0], "PNG"), _save(picture[..., 0], "TIFF")]
    made.append(_save(picture[..., 0].astype(np.uint16) * 200, "PNG"))
    made.append(_save(picture[..., 0].astype(np.uint16) * 200, "TIFF", compression="tiff_lzw"))
    made.append(_save(np.dstack([picture, picture[..., :1]]), "PNG"))
    made.append(_save(np.dstack([picture, picture[..., :1]]), "WEBP", lossless=True))
    made.append(_save(picture, "TIFF", compression="tiff_adobe_deflate"))
    return made


def _save(pixels: np.typing.NDArray[np.generic], image_format: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, image_format, **options)
    return out.getvalue()


def _decode(data: bytes) -> None:
    summarize(decode(data).pixels)


def _mask(data: bytes) -> None:
    decode_mask(data)


def _mend_png(data: bytes) -> bytes:
    """Make the checksums of a PNG's chunks right: else the first one would stop every mutation."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    out, position = bytearray(data[:8]), 8
    while position + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        out += data[position:end] + struct.pack(">I", zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return bytes(out + data[position:])


def _archive(data: bytes) -> None:
    with open_archive(data, name="fuzz.zip") as archive:
        for entry in archive.entries[:_MOST_ENTRIES]:
            try:
                entry.read()
            except AppError:
                continue


def _archive_seeds() -> list[bytes]:
    import zipfile

    files = {"a/good/1.png": _save(draw(), "PNG"), "한글/2.txt": b"text" * 40}
    return [make_zip(files), make_zip(files, zipfile.ZIP_STORED), make_zip(files, zipfile.ZIP_BZIP2)]


def _plan(data: bytes) -> None:
    """Plan the import of a folder with a list or an annotation file; the first byte says under which name."""
    name = _NAMES[data[0] % len(_NAMES)] if data else _NAMES[0]
    picture = _save(draw(), "PNG")
    files = [IncomingFile("set/images/a.png", lambda: picture), IncomingFile("set/images/b.png", lambda: picture)]
    files.append(IncomingFile(f"set/{name}", lambda: data[1:]))
    source, _paths = source_of(files, root_name="set")
    plan = plan_import(source, product="fuzz")
    assert ImportPlan.from_json(plan.to_json()) == plan


def _plan_seeds() -> list[bytes]:
    coco = (
        b'{"images":[{"id":1,"file_name":"a.png","width":56,"height":40}],"categories":[{"id":1,"name":"dent"}],'
        b'"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[2,3,10,9],"segmentation":[[2,3,12,3,12,12]],'
        b'"iscrowd":0,"area":90}]}'
    )
    voc = (
        b"<annotation><filename>a.png</filename><size><width>56</width><height>40</height><depth>3</depth></size>"
        b"<object><name>dent</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>12</ymax></bndbox></object>"
        b"</annotation>"
    )
    labelme = (
        b'{"version":"5.0","imagePath":"a.png","imageWidth":56,"imageHeight":40,"shapes":[{"label":"dent",'
        b'"shape_type":"polygon","points":[[2,3],[12,3],[12,12]]}]}'
    )
    cvat = (
        b'<annotations><version>1.1</version><image id="0" name="a.png" width="56" height="40">'
        b'<box label="dent" xtl="2" ytl="3" xbr="12" ybr="12"/><mask label="dent" rle="2, 3" left="1" top="1" '
        b'width="5" height="1"/></image></annotations>'
    )
    rows = b"path,label,split,part\nimages/a.png,dent,test,P1\nimages/b.png,good,train,P2\n"
    yolo = b"0 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.4 0.1 0.4 0.4\n"
    names = b"names: [dent, scratch]\ntrain: images\n"
    return [b"\0" + rows, b"\1" + coco, b"\2" + voc, b"\3" + labelme, b"\4" + yolo, b"\5" + names, b"\6" + cvat]


def _pdf(data: bytes) -> None:
    read_pdf(data)


def _lay_out(data: bytes) -> None:
    """Lay out a page of words and rules at any place, of any size and turn: ten bytes are one of them."""
    words: list[list[object]] = []
    rules: list[list[float]] = []
    for place in range(0, len(data) - 9, 10):
        kind, x, y, width, size, turn, text, more = struct.unpack_from(">BBBBBbBH", data, place)[:8]
        x0, y0, across, size_pt = x * 2.5, y * 3.5, width * 1.5, size / 8
        if kind % 4 == 0:
            rules.append([x0, y0, x0 + across, y0 + more % 400 / 2])
            continue
        said = _WORDS[text % len(_WORDS)]
        box = [x0, y0 - 0.8 * size_pt, x0 + across, y0 + 0.2 * size_pt]
        flags = [bool(more & 1), bool(more & 2), not more & 4, more % 3]
        words.append([said, *box, x0, y0, size_pt, turn % 5 - 1, *flags])
    page = {"width": 595.0, "height": 842.0, "words": words, "rules": rules}
    furniture = Furniture()
    furniture.look_at(page)
    pages = (lay_out_page(1, page, furniture), lay_out_page(2, page, furniture))
    passages = split_passages(PdfText(2, pages, None), source_id=1)
    collect_sections(_FINDING, passages)


def _page_seeds() -> list[bytes]:
    def word(x: int, y: int, text: int, more: int = 0) -> bytes:
        return struct.pack(">BBBBBbBH", 1, x, y, 30, 80, 1, text, more) + b"\0"

    def rule(x: int, y: int, width: int, height: int) -> bytes:
        return struct.pack(">BBBBBbBH", 0, x, y, width, 0, 0, 0, height * 2) + b"\0"

    table = b"".join(word(20 + 60 * (n % 3), 60 + 8 * (n // 3), n) for n in range(18))
    lines = b"".join(rule(15, 55 + 8 * n, 250, 0) for n in range(7)) + b"".join(
        rule(15 + 60 * n, 55, 0, 160) for n in range(4)
    )
    columns = b"".join(word(20 + 110 * (n % 2), 40 + 5 * n, n, more=n % 2) for n in range(24))
    return [table, table + lines, columns]


TARGETS: dict[str, Target] = {
    "decoder": Target(_decode, (ImageError,), _image_seeds, 0.38, _mend_png),
    "pages": Target(_lay_out, (), _page_seeds, 0.08),
    "masks": Target(_mask, (ImageError,), _image_seeds, 0.12, _mend_png),
    "archives": Target(_archive, (AppError,), _archive_seeds, 0.2),
    "plans": Target(_plan, (AppError,), _plan_seeds, 0.18),
    "pdf": Target(_pdf, (ManualError,), lambda: [simple_pdf([["1. Scratch", "Polish it."]])], 0.04),
}
