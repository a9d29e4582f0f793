"""Manuals for tests: small PDFs made on the spot, and the broken ones that people upload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.access import Person
from core.manuals.library import ManualOutcome, add_manuals
from core.services import Services


def simple_pdf(pages: Sequence[Sequence[str]], *, title: str = "", encrypted: bool = False) -> bytes:
    """Return a PDF of Latin text: the lines of each page in Helvetica; a page without lines is blank, as if scanned.

    PDF 32000-1:2008, 7.5. `encrypted` only claims to be: the key cannot be right.
    """
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    for lines in pages:
        body = "".join(
            f"BT /F1 {16 if line[0] == '#' else 11} Tf 60 {780 - 24 * row} Td ({_escape(line.lstrip('# '))}) Tj ET\n"
            for row, line in enumerate(lines)
        ).encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body))
        resources = f"<< /Font << /F1 {font} >> >>"
        content = len(objects)
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources {resources} /Contents {content} 0 R >>"
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    objects.append(f"<< /Title ({_escape(title)}) >>".encode())
    info = len(objects)
    trailer = f"/Size {info + 1} /Root 1 0 R /Info {info} 0 R"
    if encrypted:
        objects.append(
            b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <" + b"4f" * 32 + b"> /U <" + b"55" * 32 + b"> >>"
        )
        trailer = (
            f"/Size {info + 2} /Root 1 0 R /Info {info} 0 R /Encrypt {info + 1} 0 R /ID [<{'61' * 16}><{'61' * 16}>]"
        )
    return _assemble(objects, trailer)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _assemble(objects: Sequence[bytes], trailer: str) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer\n<< {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


SCRATCH_PAGES = (
    (
        "# Scratches",
        "A scratch is a bright line on the plate.",
        "1. Stop the feeder and lock it.",
        "2. Clean the guide rail with alcohol.",
        "3. Replace the roller when its edge is chipped.",
    ),
    ("# Spots", "A dark spot comes from oil on the lens.", "1. Wipe the lens.", "2. Check the oil mist filter."),
)


def scratch_manual(number: int = 0) -> bytes:
    """Return a two-page manual about scratches and spots; each `number` is another content."""
    return simple_pdf(SCRATCH_PAGES, title=f"Plate manual {number}")


@dataclass(frozen=True)
class GivenFile:
    """A file as it is uploaded."""

    name: str
    read: Callable[[], bytes]


def given(name: str, content: bytes) -> GivenFile:
    return GivenFile(name, lambda: content)


def add(services: Services, person: Person, product_id: int, *files: GivenFile) -> list[ManualOutcome]:
    return list(add_manuals(services, person, product_id=product_id, files=files))
