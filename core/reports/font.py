"""The font of reports: one with Korean letters that may be embedded (Nanum Gothic, SIL Open Font License)."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from core.errors import NotReady

REGULAR, BOLD = "NanumGothic", "NanumGothicBold"
_PACKAGE = "koreanize_matplotlib"


def find_font_folder() -> Path:
    """Return the folder with the font files. Raises NotReady `report_font_missing`.

    Of the package that carries them only the files are wanted: importing it would set up a plotting library.
    """
    found = importlib.util.find_spec(_PACKAGE)
    for place in found.submodule_search_locations or () if found is not None else ():
        folder = Path(place) / "fonts"
        if (folder / f"{REGULAR}.ttf").is_file() and (folder / f"{BOLD}.ttf").is_file():
            return folder
    raise NotReady("report_font_missing")


@cache
def register_fonts() -> None:
    """Make REGULAR and BOLD known to reportlab. Raises NotReady `report_font_missing`."""
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFont

    folder = find_font_folder()
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
