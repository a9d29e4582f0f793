"""Keys on the result: where the focus goes, what Escape and Enter do, and keys that a box would swallow.

It lives in the browser and asks the server nothing. Streamlit gives a shortcut's key to whatever box has the focus, a
tick box or a closed select box too, where nobody types: such a key is passed on to the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_JS = """
const PAUSE_MS = 900;
const NO_TEXT = ["checkbox", "radio", "range", "button", "file", "reset", "submit", "color"];
let last = null;

const isClosedBox = (box) => box.getAttribute("role") === "combobox" && box.getAttribute("aria-expanded") !== "true";
const isTyping = (box) => {
  if (box.isContentEditable || box.tagName === "TEXTAREA") return true;
  if (box.tagName === "SELECT") return true;
  if (box.tagName !== "INPUT") return false;
  return !NO_TEXT.includes(box.type) && !isClosedBox(box);
};
const typed = new Map();
// Streamlit takes a text area's words at Ctrl+Enter. The press is for the area alone: whoever counts the keys that are
// held down must not see one that nobody lets go.
const commit = (box) => {
  const press = {key: "Enter", code: "Enter", keyCode: 13, which: 13, ctrlKey: true, bubbles: true, cancelable: true};
  const body = box.ownerDocument.body;
  const keep = (event) => event.stopPropagation();
  body.addEventListener("keydown", keep);
  box.dispatchEvent(new KeyboardEvent("keydown", press));
  body.removeEventListener("keydown", keep);
};

export default function (component) {
  const {data, parentElement} = component;
  const page = parentElement.ownerDocument;
  const find = (selector) => selector ? page.querySelector(selector) : null;
  const press = (selector) => { const button = find(selector); if (button) button.click(); return Boolean(button); };

  // A box that scrolls must be reached by keys, too.
  const reach = () => page.querySelectorAll(data.scrolled).forEach((box) => { box.tabIndex = 0; });
  reach();
  const late = setTimeout(reach, 300);

  const focus = (tries) => {
    const box = find(data.focus);
    if (box) { box.focus(); if (box.select) box.select(); }
    else if (tries > 0) setTimeout(() => focus(tries - 1), 50);
  };
  if (data.focus && data.focus !== last) focus(40);
  last = data.focus;

  const onKey = (event) => {
    const box = event.composedPath()[0];
    if (!box || !box.tagName || event.isComposing) return;
    if (event.key === "Escape") {
      if (find("[role=dialog]")) return;
      if (press(data.cancel)) { event.preventDefault(); event.stopPropagation(); }
      else if (box.tagName === "TEXTAREA") box.blur();
      return;
    }
    if (event.key === "Enter" && data.submitFrom && box.closest && box.closest(data.submitFrom)) {
      // The box hands its text over first.
      setTimeout(() => press(data.submit), 60);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.geomsa) return;
    if (!data.keys.includes(event.key.toLowerCase()) || isTyping(box)) return;
    if (!["INPUT", "SELECT"].includes(box.tagName)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    box.blur();
    for (const kind of ["keydown", "keyup"]) {
      const passed = new KeyboardEvent(kind, {
        key: event.key, code: event.code, keyCode: event.keyCode, which: event.which, bubbles: true, cancelable: true,
      });
      passed.geomsa = true;
      page.body.dispatchEvent(passed);
    }
  };
  // A note is handed over after a pause in typing, not only when the box is left: a crash must not lose it.
  const onInput = (event) => {
    const box = event.composedPath()[0];
    if (event.isComposing || !box || !box.closest || box.tagName !== "TEXTAREA" || !box.closest(data.notes)) return;
    clearTimeout(typed.get(box));
    typed.set(box, setTimeout(() => { if (box.isConnected) commit(box); }, PAUSE_MS));
  };
  page.addEventListener("keydown", onKey, true);
  page.addEventListener("input", onInput, true);
  page.addEventListener("compositionend", onInput, true);
  return () => {
    clearTimeout(late);
    page.removeEventListener("keydown", onKey, true);
    page.removeEventListener("input", onInput, true);
    page.removeEventListener("compositionend", onInput, true);
  };
}
"""


def show_result_keys(
    *,
    key: str,
    keys: Sequence[str],
    notes: str,
    scrolled: str,
    focus: str = "",
    cancel: str = "",
    submit: str = "",
    submit_from: str = "",
) -> None:
    """Put the listener on the page; every place is a CSS selector.

    `keys` are those that a box without text passes on. The text of areas in `notes` is handed over while it is typed.
    `scrolled` are boxes that arrows scroll once Tab has reached them. `focus` gets the focus when it is another than
    before, Escape presses `cancel`, and Enter in `submit_from` presses `submit`.
    """
    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    listener = st.components.v2.component("geomsa_result_keys", js=_JS)
    listener(
        key=key,
        data={
            "keys": [name.lower() for name in keys],
            "notes": notes,
            "scrolled": scrolled,
            "focus": focus,
            "cancel": cancel,
            "submit": submit,
            "submitFrom": submit_from,
        },
    )
