"""An uploaded file is removed once no file uploader holds it: a screen stays open for a whole shift."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from pages.server import uploads

SESSION = "one"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    made = MemoryUploadedFileManager("/upload")
    monkeypatch.setattr("streamlit.runtime.exists", lambda: True)
    monkeypatch.setattr("streamlit.runtime.get_instance", lambda: SimpleNamespace(uploaded_file_mgr=made))
    monkeypatch.setattr("pages.server.uploads.get_script_run_ctx", lambda: SimpleNamespace(session_id=SESSION))
    return made


def _upload(manager: MemoryUploadedFileManager, file_id: str) -> UploadedFile:
    record = UploadedFileRec(file_id=file_id, name="a.png", type="image/png", data=b"12345")
    manager.add_file(SESSION, record)
    return UploadedFile(record, FileURLs())


def test_a_file_goes_once_no_uploader_holds_it_and_what_has_just_arrived_stays(
    manager: MemoryUploadedFileManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    state |= {"one": _upload(manager, "a"), "many": [_upload(manager, "b"), _upload(manager, "c")], "other": 7}
    uploads.forget_uploads()
    assert uploads.held_bytes() == {SESSION: 15}
    _upload(manager, "d")  # its uploader does not know of it yet
    state["many"] = state["many"][:1]
    del state["one"]
    uploads.forget_uploads()
    assert set(manager.file_storage[SESSION]) == {"b", "d"}
    state.pop("many")
    uploads.forget_uploads()
    uploads.forget_uploads()
    assert set(manager.file_storage[SESSION]) == {"d"}
