"""The demo products' manuals: real PDFs, set from our own texts by `core.demo.manuals.typesetting`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

TEXT_FOLDER = Path(__file__).parent / "texts"
PDF_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "manuals"


class DemoManual(NamedTuple):
    """One manual; `language` is "ko" or "en", `content` the PDF."""

    product_code: str
    title: str
    language: str
    content: bytes


def list_demo_manuals() -> tuple[DemoManual, ...]:
    """Return every demo manual, by product code and language. Raises OSError if the files are not here."""
    found = []
    for path in sorted(TEXT_FOLDER.glob("*.md")):
        product_code, language = path.stem.split(".")
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("title: ")
        content = (PDF_FOLDER / f"{path.stem}.pdf").read_bytes()
        found.append(DemoManual(product_code, title, language, content))
    return tuple(found)
