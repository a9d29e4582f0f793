"""Languages: gettext catalogs read from `assets/locales/*.po`, chosen per call and never per process."""

from __future__ import annotations

import gettext as _gettext
import io
from functools import cache
from pathlib import Path

from core.korean_particles import KoreanText, has_open_particle

LANGUAGES: dict[str, str] = {"ko": "한국어", "en": "English"}
DEFAULT_LANGUAGE = "en"
LOCALES_DIR = Path(__file__).resolve().parent.parent / "assets" / "locales"


def N_(msgid: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """Mark a message for translation without translating it (module level, where no language is known yet)."""
    return msgid


@cache
def _catalog(language: str) -> _gettext.NullTranslations:
    path = LOCALES_DIR / f"{language}.po"
    if not path.is_file():
        return _gettext.NullTranslations()
    # Compiled in memory: a .mo file beside the .po would be one more thing to build, and to find stale.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)


def translate(language: str, msgid: str) -> str:
    """Return `msgid` in `language`; the msgid itself (English) where there is no translation."""
    return _read_out(_catalog(language).gettext(msgid)) if msgid else ""


def translate_plural(language: str, singular: str, plural: str, count: int) -> str:
    """Return the form of the message for `count`; Korean has one form, English two."""
    return _read_out(_catalog(language).ngettext(singular, plural, count))


def _read_out(text: str) -> str:
    """Return the text as one that fits its Korean particles when its gaps are filled, where it has any."""
    return KoreanText(text) if has_open_particle(text) else text


def choose_language(*, saved: str | None, browser: str | None, fallback: str = DEFAULT_LANGUAGE) -> str:
    """Return the person's saved choice, then the browser's first language that we have, then `fallback`.

    `browser` is an Accept-Language value or a single tag such as "ko-KR".
    """
    if saved in LANGUAGES:
        return saved
    for part in (browser or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return fallback
