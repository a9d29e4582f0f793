"""What a browser may ask of Streamlit over its WebSocket: runs, files and rows, and nothing made for developers."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

# Left out: clear_cache and set_run_on_save (they act on all users), load_git_info, and what ends the server in tests.
ALLOWED = frozenset({"rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request"})


def read_message(data: bytes) -> BackMsg | None:
    """Return the message, or None for one that may not be sent or cannot be read."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return message if message.WhichOneof("type") in ALLOWED else None


def as_whole_run(message: BackMsg) -> bytes:
    """Return the message as a run of the whole page: a fragment by itself would pass by the page's first line."""
    if message.WhichOneof("type") == "rerun_script":
        message.rerun_script.fragment_id = ""
        message.rerun_script.is_auto_rerun = False
    return bytes(message.SerializeToString())


def as_bare_run(message: BackMsg) -> bytes:
    """Return a run of the page without anything that was pressed or typed: no callback is called by it."""
    bare = BackMsg()
    bare.rerun_script.query_string = message.rerun_script.query_string
    bare.rerun_script.page_script_hash = message.rerun_script.page_script_hash
    return bytes(bare.SerializeToString())


def session_id_in(data: bytes) -> str | None:
    """Return the id of the Streamlit session that a message to the browser begins; None for any other message."""
    message = ForwardMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    if message.WhichOneof("type") != "new_session":
        return None
    return message.new_session.initialize.session_id or None
