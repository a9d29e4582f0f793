"""Refreshing figures by themselves: when nobody looks elsewhere, types, points at something or has a box open."""

from __future__ import annotations

import streamlit as st

EVERY_S, QUIET_S = 30, 4

_JS = """
export default function (component) {
  const {data, setTriggerValue} = component;
  const drawn = Date.now();
  let touched = 0;
  const touch = () => { touched = Date.now(); };
  const kinds = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
  kinds.forEach((kind) => document.addEventListener(kind, touch, {capture: true, passive: true}));
  // A list that is open or a box that is written in would lose what the person is about to do.
  const busy = () => document.hidden || Date.now() - touched < data.quiet_ms
    || document.querySelector('[data-testid="stPopoverBody"], [role="dialog"], [role="listbox"]') !== null
    || (document.activeElement !== null && document.activeElement.matches("input, textarea, select"));
  const timer = setInterval(() => {
    if (Date.now() - drawn < data.every_ms || busy()) return;
    clearInterval(timer);
    setTriggerValue("due", Date.now());
  }, 500);
  return () => {
    clearInterval(timer);
    kinds.forEach((kind) => document.removeEventListener(kind, touch, {capture: true}));
  };
}
"""


def refresh_when_quiet(*, key: str, drawn_at: str) -> None:
    """Run the fragment that this stands in again after a while, when the person does nothing. `drawn_at` is of now."""
    ticker = st.components.v2.component("geomsa_refresh", html="<span></span>", js=_JS)
    ticker(
        key=key,
        data={"every_ms": 1000 * EVERY_S, "quiet_ms": 1000 * QUIET_S, "drawn_at": drawn_at},
        on_due_change=lambda: None,
        height=1,
    )
