"""Text recognition (OCR) of scanned pages: whether an engine is installed here, and whether it may be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.recognition.tesseract import Tesseract


def find_engine(settings: Settings) -> Tesseract | None:
    """Return the engine that reads scanned pages; None where none is installed, or GEOMSA_OCR is off."""
    from inference.language.recognition.tesseract import find_tesseract

    return None if settings.ocr == "off" else find_tesseract()


def engine_stamp(settings: Settings) -> str:
    """Return what changes with the engine; "" without one."""
    engine = find_engine(settings)
    return engine.stamp if engine is not None else ""
