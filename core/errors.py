"""The tree of errors that people see.

    AppError                 a code, its parameters, and one sentence: what happened, to what, and what to do
    ├── BadInput             the person (or the file) can mend it
    ├── NotAllowed           the role does not reach
    ├── NotFound             the row is gone, or never was
    ├── Conflict             somebody else was faster: stale save, duplicate, wrong state
    ├── NotReady             something must be done first (no model deployed, too few images)
    ├── Unavailable          a part outside the process does not answer (database, object store, worker, model server)
    └── BadSetting           an environment value stops the start

A code is the key of its sentence in `core.messages.MESSAGES`; the sentence is the msgid of its translation.
Lower layers raise their own small errors; `from_lower` is the one place where they become an AppError.
"""

from __future__ import annotations

from typing import Any

from core.i18n import translate
from core.masking import mask_all
from core.messages import MESSAGES


class AppError(Exception):
    """An error with a stable `code` and `params`; `str()` is the English sentence."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        # What another program said may hold its keys, and goes on from here to pages, logs, rows and programs.
        self.params: dict[str, Any] = mask_all(params)
        super().__init__(code, self.params)

    def __str__(self) -> str:
        return self.sentence("en")

    def sentence(self, language: str) -> str:
        """Return the sentence for `language` ("ko" or "en"), its parameters filled in."""
        return describe(self.code, self.params, language)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.code, self.params))


def _rebuild(kind: type[AppError], code: str, params: dict[str, Any]) -> AppError:
    return kind(code, **params)


class BadInput(AppError):
    """The person, or the file, can mend it."""


class NotAllowed(AppError):
    """The person's role does not reach."""


class NotFound(AppError):
    """The row is gone, or never was."""


class Conflict(AppError):
    """Somebody else was faster: a stale save, a duplicate, a state that no longer fits."""


class NotReady(AppError):
    """Something must be done first."""


class Unavailable(AppError):
    """A part outside the process does not answer."""


class BadSetting(AppError):
    """An environment value stops the start."""


class _Gaps(dict[str, Any]):
    """Leaves an unknown parameter visible instead of losing the whole sentence."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def describe(code: str, params: dict[str, Any], language: str) -> str:
    """Return the sentence of `code` in `language`; the code itself without one (a test proves that all have one).

    A parameter may be a name in both languages, {"ko": …, "en": …} (`core.catalog.names.spoken_name`). Where a code has
    a sentence of its own for a `reason` (`code_reason`), that one says what to do.
    """
    narrower = f"{code}_{params.get('reason', '')}"
    found = narrower if narrower in MESSAGES else code
    template = translate(language, MESSAGES[found]) if found in MESSAGES else code
    spoken = {name: value[language] if _is_spoken(value) else value for name, value in params.items()}
    return template.format_map(_Gaps(spoken))


def _is_spoken(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"ko", "en"}


_BY_PREFIX: tuple[tuple[str, type[AppError]], ...] = (
    ("image_", BadInput),
    ("archive_", BadInput),
    ("pdf_", BadInput),
    ("database_conflict", Conflict),
    ("database_", Unavailable),
    ("object_missing", NotFound),
    ("object_", Unavailable),
    ("artifact_", NotReady),
    ("index_", NotReady),
    ("model_", NotReady),
    ("writer_", Unavailable),
)


# What a database finds wrong with a value that another one takes: PostgreSQL holds no text with a zero in it.
_OF_THE_VALUE = frozenset({"too_long", "out_of_range"})


def from_lower(error: Exception, **params: Any) -> AppError:
    """Return the AppError for an error of `inference` or `storage` (anything with a `code` and `params`).

    Any other exception becomes `unexpected`, which names the kind of the error but never its text: that goes to the
    log, because it may hold paths or secrets.
    """
    if isinstance(error, AppError):
        return error
    code = getattr(error, "code", None)
    if isinstance(code, str) and code in MESSAGES:
        merged = {**getattr(error, "params", {}), **params}
        if code == "database_rejected" and merged.get("reason") in _OF_THE_VALUE:
            return BadInput(code, **merged)
        for prefix, kind in _BY_PREFIX:
            if code.startswith(prefix):
                return kind(code, **merged)
        return AppError(code, **merged)
    if isinstance(error, UnicodeEncodeError):
        # Half a character, which JSON can write and nothing can hold: whoever sent it can mend it.
        return BadInput("text_not_unicode", **params)
    if isinstance(error, MemoryError):
        return Unavailable("out_of_memory", **params)
    if isinstance(error, OSError) and error.errno == 28:
        return Unavailable("disk_full", **params)
    return AppError("unexpected", kind=type(error).__name__, **params)
