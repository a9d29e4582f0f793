"""What the gate reads from a request: where it comes from, what it asks for, and where it may be sent."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.api.origins import is_forwarded, is_loopback_address, is_loopback_host
from pages.server.messages import ALLOWED, as_bare_run, as_whole_run, read_message
from pages.server.requests import safe_target


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_addresses_of_this_machine(address: str) -> None:
    assert is_loopback_address(address)


@pytest.mark.parametrize(
    "address", [None, "", "garbage", "0.0.0.0", "10.0.0.5", "::ffff:10.0.0.5", "127.0.0.1, 10.0.0.5"]
)
def test_addresses_of_others_and_such_as_cannot_be_read(address: str | None) -> None:
    assert not is_loopback_address(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1:8501", "[::1]:8501", "app.localhost", "localhost."]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "localhost.evil.example", "10.0.0.5:8501", "[::2]:80", "[", ":80"]
)
def test_names_of_others(host: str | None) -> None:
    assert not is_loopback_host(host)


def test_headers_of_proxies_are_noticed_in_any_case() -> None:
    assert is_forwarded(["accept", "X-FORWARDED-proto"])
    assert is_forwarded(["Forwarded"])
    assert not is_forwarded(["accept", "cookie", "x-xsrftoken"])


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/products?a=1", "/products?a=1"),
        ("", "/"),
        ("products", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\nb", "/"),
        ("https://evil.example", "/"),
    ],
)
def test_only_paths_of_this_app_are_led_to(target: str, safe: str) -> None:
    assert safe_target(target) == safe


def test_developer_messages_and_rubbish_are_left_out() -> None:
    for name in {field.name for field in BackMsg.DESCRIPTOR.fields} - ALLOWED:
        message = BackMsg()
        part = getattr(message, name)
        setattr(message, name, not part) if isinstance(part, bool) else part.SetInParent()
        assert read_message(message.SerializeToString()) is None, name
    assert read_message(b"\xff\xff\xff") is None
    assert read_message(b"") is None


def test_a_run_is_made_whole_or_bare() -> None:
    message = BackMsg()
    message.rerun_script.fragment_id = "f"
    message.rerun_script.query_string = "a=1"
    message.rerun_script.widget_states.widgets.add().id = "delete"
    whole = BackMsg.FromString(as_whole_run(message))
    assert (whole.rerun_script.fragment_id, len(whole.rerun_script.widget_states.widgets)) == ("", 1)
    bare = BackMsg.FromString(as_bare_run(message))
    assert (bare.rerun_script.query_string, len(bare.rerun_script.widget_states.widgets)) == ("a=1", 0)
    assert bare.rerun_script.fragment_id == ""
