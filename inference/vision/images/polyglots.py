"""Tells whether an image file is at the same time something else: a ZIP, a PDF, a web page, a program.

Such files pass every check of a picture and are then served, unpacked or executed as the other thing. What is
harmless stays allowed: padding, the second picture and the trailers that cameras and telephones append, XMP, EXIF.
"""

from __future__ import annotations

import re
import struct

from inference.vision.images.container_record import Container

# Text that a browser or an interpreter would act upon. Each is long enough that neither compressed pixels nor
# camera metadata holds it by chance; the closing character keeps words such as "<htmlsafe" out.
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html[\s>]|head>|body[\s>]|script[\s>/]|iframe[\s>]|svg[\s>]|\?php[\s])", re.IGNORECASE
)
_PROGRAM_STARTS = (b"\x7fELF", b"#!", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"\xca\xfe\xba\xbe")
_ZIP_TAIL = 22 + 65_535  # the end record and its longest comment
_PDF_HEAD = 1024  # readers look for %PDF- this far into a file


def find_second_file(data: bytes, container: Container) -> str | None:
    """Return the kind of the other file in `data` ("ZIP", "PDF", "HTML", "program"), or None."""
    if _has_zip_directory(data):
        return "ZIP"
    if b"%PDF-" in data[:_PDF_HEAD]:
        return "PDF"
    if any(_MARKUP.search(part) for part in container.metadata):
        return "HTML"
    if container.format == "TIFF":  # no end of its own: all of it may be pixels or a second file
        return "HTML" if _MARKUP.search(data) else None
    trailing = data[container.end :]
    if _MARKUP.search(trailing):
        return "HTML"
    if b"%PDF-" in trailing:
        return "PDF"
    trailing = trailing.lstrip(b"\0\xff \t\r\n\x1a")
    if trailing.startswith(b"PK\x03\x04"):
        return "ZIP"
    if trailing.startswith(_PROGRAM_STARTS) or (trailing.startswith(b"MZ") and b"PE\0\0" in trailing[:4096]):
        return "program"
    return None


def has_trailing_data(data: bytes, container: Container) -> bool:
    """Return whether anything but padding follows the image."""
    return bool(data[container.end :].strip(b"\0\xff \t\r\n\x1a"))


def _has_zip_directory(data: bytes) -> bool:
    """Return whether `data` ends in a ZIP end record whose central directory is where it says, so no chance hit."""
    tail_start = max(0, len(data) - _ZIP_TAIL)
    position = data.rfind(b"PK\x05\x06", tail_start)
    while position >= 0:
        if position + 22 <= len(data):
            entries, size = struct.unpack_from("<HI", data, position + 10)
            if entries and size <= position and data[position - size : position - size + 4] == b"PK\x01\x02":
                return True
        position = data.rfind(b"PK\x05\x06", tail_start, position)
    return False
