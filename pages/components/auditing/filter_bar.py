"""The filter of the audit log: kept in the address, so that a link shows the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import streamlit as st

from core.audit_log.filters import AuditFilter
from core.audit_log.words import GROUP_NAMES, OUTCOME_NAMES, SUBJECT_NAMES
from pages.components.shared.language import _

_KEYS = ("group", "person", "outcome", "first_day", "last_day", "subject_type", "subject_id", "text")
_CURSORS = "audit_cursors"
_ENTERED = "audit_filter_read"


def asked_filter() -> AuditFilter:
    """Return the filter that the address asks for."""
    return AuditFilter.from_query(st.query_params)


def cursors() -> list[int]:
    """Return the ids from which the pages before this one went on; the last is this page's own."""
    found: list[int] = st.session_state.setdefault(_CURSORS, [])
    return found


def show_filter(people: Mapping[int, str]) -> AuditFilter:
    """Draw the filter; return what it asks for."""
    _read_address()
    first, second = st.container(horizontal=True), st.container(horizontal=True)
    with first:
        _select("group", _("What"), {"": _("Everything"), **{key: _(name) for key, name in GROUP_NAMES.items()}})
        _select("person", _("Who"), {"": _("Everybody"), **{str(key): _(name) for key, name in people.items()}})
        _select("outcome", _("Result"), {"": _("All"), **{key: _(name) for key, name in OUTCOME_NAMES.items()}})
        for name, label in (("first_day", _("From")), ("last_day", _("To"))):
            st.date_input(label, key=_key(name), value=None, on_change=_write_address, format="YYYY-MM-DD", width=170)
    with second:
        kinds = sorted(SUBJECT_NAMES.items(), key=lambda item: _(item[1]))
        _select("subject_type", _("Subject"), {"": _("All"), **{key: _(name) for key, name in kinds}})
        st.text_input(
            _("Subject no."), key=_key("subject_id"), max_chars=18, on_change=_write_address, width=130, placeholder="7"
        )
        st.text_input(
            _("Text"),
            key=_key("text"),
            max_chars=100,
            on_change=_write_address,
            placeholder=_("Part of a name, an address, or of what was changed"),
        )
    return asked_filter()


def _select(name: str, label: str, options: Mapping[str, str]) -> None:
    if st.session_state.get(_key(name)) not in options:
        st.session_state[_key(name)] = ""
    st.selectbox(label, list(options), key=_key(name), format_func=lambda key: options[key], on_change=_write_address)


def _read_address() -> None:
    """Take over what the address asks for when the screen is entered, or another link is followed."""
    asked = asked_filter()
    query = asked.to_query()
    if st.session_state.get(_ENTERED) == query and _key("group") in st.session_state:
        return
    for name in ("group", "person", "outcome", "subject_type", "subject_id", "text"):
        st.session_state[_key(name)] = query.get(name, "")
    for name in ("first_day", "last_day"):
        st.session_state[_key(name)] = getattr(asked, name)
    st.session_state[_ENTERED] = query
    cursors().clear()


def _write_address() -> None:
    values: dict[str, str] = {}
    for name in _KEYS:
        value = st.session_state.get(_key(name))
        text = value.isoformat() if isinstance(value, date) else str(value or "").strip()
        if text:
            values[name] = text
    asked = AuditFilter.from_query(values)
    for name in (*_KEYS, "action"):
        st.query_params.pop(name, None)
    for name, text in asked.to_query().items():
        st.query_params[name] = text
    st.session_state[_ENTERED] = asked.to_query()
    cursors().clear()


def _key(name: str) -> str:
    return f"audit_{name}"
