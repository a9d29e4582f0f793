"""How much a browser may upload: Streamlit keeps uploads in memory, so their sum has a bound, in all and for each."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

if TYPE_CHECKING:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

_HELD = "uploads_held"
UPLOAD_PATH = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/(?P<file>[^/]+)")


class UploadTooLargeError(Exception):
    """The upload does not fit beside what is held already."""


class UploadBounds:
    """Counts what is held and what is on its way. Safe for threads."""

    def __init__(self, *, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self.session_bytes = total_bytes // 2
        self._arriving: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def admit(self, session_id: str, byte_size: int) -> Iterator[None]:
        """Hold the place of one upload while it arrives. Raises UploadTooLargeError where there is none."""
        with self._lock:
            held = held_bytes()
            session = held.get(session_id, 0) + self._arriving[session_id] + byte_size
            total = sum(held.values()) + self._arriving.total() + byte_size
            if session > self.session_bytes or total > self.total_bytes:
                raise UploadTooLargeError
            self._arriving[session_id] += byte_size
        try:
            yield
        finally:
            with self._lock:
                self._arriving[session_id] -= byte_size
                if self._arriving[session_id] <= 0:
                    del self._arriving[session_id]


def forget_uploads() -> None:
    """Remove the files that no file uploader of this session holds any more; called in each run, before the page.

    Streamlit keeps an uploaded file in memory until its session ends: on a screen that stays open for a shift, every
    image of every part, until the limit of the session is reached. Only files that an uploader held in an earlier run
    are removed: one that has just arrived is not in the state of its uploader yet.
    """
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    before: frozenset[str] = st.session_state.get(_HELD, frozenset())
    manager = cast("MemoryUploadedFileManager", runtime.get_instance().uploaded_file_mgr)
    if not before and not manager.file_storage.get(context.session_id):
        return
    now = frozenset(_file_ids(st.session_state.values()))
    for file_id in before - now:
        manager.remove_file(context.session_id, file_id)
    st.session_state[_HELD] = now


def _file_ids(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, UploadedFile):
            yield value.file_id
        elif isinstance(value, list):
            yield from (one.file_id for one in value if isinstance(one, UploadedFile))


def held_bytes() -> dict[str, int]:
    """Return the bytes of the uploads that Streamlit holds, by its session."""
    if not runtime.exists():
        return {}
    files = cast("MemoryUploadedFileManager", runtime.get_instance().uploaded_file_mgr).file_storage
    return {session: sum(len(file.data) for file in list(kept.values())) for session, kept in list(files.items())}
