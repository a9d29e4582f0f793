"""PDFs for the tests: set by reportlab, or written by hand where they are meant to be wrong."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping, Sequence

from core.demo.manuals.typesetting import typeset


def set_manual(body: str, *, title: str = "시험 매뉴얼") -> bytes:
    """Set a manual in the small markup of the demo manuals."""
    return typeset(f"title: {title}\ndocument: QM-1\nedition: 1판\n\n{body}\n")


def set_plain(pages: Sequence[str], *, password: str | None = None) -> bytes:
    """Set one line of Latin text a page; an empty line gives a page with a drawing and no text."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    encrypt = StandardEncryption(password) if password is not None else None
    canvas = Canvas(target, encrypt=encrypt)
    for line in pages:
        if line:
            canvas.drawString(72, 700, line)
        else:
            canvas.rect(72, 500, 100, 100, fill=1)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def write_objects(objects: Mapping[int, bytes]) -> bytes:
    """Write a PDF of these objects, object 1 being its catalog, with a right table of places."""
    content = b"%PDF-1.7\n"
    places = {}
    for number, body in objects.items():
        places[number] = len(content)
        content += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(content)
    size = max(objects) + 1
    content += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        content += b"%010d 00000 n \n" % places.get(number, 0)
    return content + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table)


def write_stream(data: bytes, entries: bytes = b"", *, packed: bool = True) -> bytes:
    """Write a stream object."""
    payload = zlib.compress(data, 9) if packed else data
    return _stream(payload, entries + (b" /Filter /FlateDecode" if packed else b""))


def write_bomb(byte_size: int) -> bytes:
    """Write a page whose content inflates twice to `byte_size` spaces and some text."""
    packer = zlib.compressobj(9)
    piece = b" " * 2**20
    payload = b"".join(packer.compress(piece) for _ in range(byte_size // 2**20)) + packer.flush()
    return write_page(_stream(zlib.compress(payload, 9), b" /Filter [/FlateDecode /FlateDecode]"))


def write_page(contents: bytes, resources: bytes = b"<< >>", **more: bytes) -> bytes:
    """Write one page with these contents (object 4) and further objects `o5`, `o6`, …"""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources " + resources + b" >>",
        4: contents,
    }
    return write_objects(objects | {int(name[1:]): body for name, body in more.items()})


def write_empty_pages(count: int) -> bytes:
    """Write so many empty pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>"
    return write_objects(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % count,
            **dict.fromkeys(range(3, count + 3), page),
        }
    )


def _stream(payload: bytes, entries: bytes) -> bytes:
    return b"<< /Length %d" % len(payload) + entries + b" >>\nstream\n" + payload + b"\nendstream"
