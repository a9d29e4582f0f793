"""The sentence encoder that the product carries, for messages that letters and concepts leave unclear."""

from __future__ import annotations

import logging
import threading
from functools import cache

from core.assistant.offline.evidence.weighing import Weigher, plain_weigher
from inference.errors import ModelError

_log = logging.getLogger("geomsa.assistant")
_lock = threading.Lock()


def meaning_weigher() -> Weigher | None:
    """Return the weigher that compares meanings, too; None where there is no encoder. Loaded at first use (2 s)."""
    with _lock:
        return _load()


@cache
def prepare() -> None:
    """Begin to load in the background what the first message needs, once in a process; returns at once."""
    threading.Thread(target=_prepare, name="assistant-parser", daemon=True).start()


def _prepare() -> None:
    plain_weigher()
    meaning_weigher()


@cache
def _load() -> Weigher | None:
    from inference.language.sentence_encoder import open_encoder

    try:
        # Always the carried one: the shares of the three kinds of likeness were chosen with it.
        return Weigher(open_encoder().encode)
    except ModelError as error:
        _log.warning("the assistant's parser goes on without the sentence encoder: %s", error.code)
        return None
