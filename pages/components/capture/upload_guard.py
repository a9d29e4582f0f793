"""Files that are too large are refused before they travel, and uploads that fail are told of, in our own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

_JS = """
export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  // Called once more at each rerun, before which nothing is cleaned up.
  parentElement.geomsaEnd?.();
  const uploader = `[class*="st-key-${data.uploader}"]`;
  const isOurs = (event) => event.composedPath().some((one) => one instanceof HTMLElement && one.matches(uploader));
  const refuse = (event, files) => {
    const large = Array.from(files ?? []).find((file) => file.size > data.limit);
    if (!large) return false;
    event.preventDefault();
    event.stopImmediatePropagation();
    setTriggerValue("refused", {name: large.name, size: large.size});
    return true;
  };
  const chosen = (event) => {
    const input = event.target;
    if (input instanceof HTMLInputElement && input.type === "file" && isOurs(event) && refuse(event, input.files))
      input.value = "";
  };
  const dropped = (event) => { if (isOurs(event)) refuse(event, event.dataTransfer?.files); };
  window.addEventListener("change", chosen, true);
  window.addEventListener("drop", dropped, true);
  const look = () => {
    const area = document.querySelector(uploader);
    if (!area) return;
    // A phone then offers its pictures and not all of its files. What comes is checked all the same.
    const input = area.querySelector("input[type=file]");
    if (input && input.accept !== data.accept) input.accept = data.accept;
    const failed = area.querySelector('[data-testid="stFileChipIconError"]');
    const chip = failed?.closest('[data-testid="stFileChip"]');
    if (!chip || chip === parentElement.geomsaTold) return;
    parentElement.geomsaTold = chip;
    const name = chip.querySelector('[data-testid="stFileChipName"]');
    setTriggerValue("failed", {name: name?.getAttribute("title") || name?.textContent || ""});
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.body, {childList: true, subtree: true});
  look();
  const end = () => {
    watcher.disconnect();
    window.removeEventListener("change", chosen, true);
    window.removeEventListener("drop", dropped, true);
  };
  parentElement.geomsaEnd = end;
  return end;
}
"""
_ACCEPT = "image/*,.tif,.tiff,.bmp"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class RefusedFile:
    """A file that did not come here: `byte_size` is None where its upload failed."""

    name: str
    byte_size: int | None


def guard_upload(*, uploader: str, limit_bytes: int, key: str, on_refused: Callable[[RefusedFile], None]) -> None:
    """Watch the file uploaders whose key begins with `uploader`: `on_refused` gets, in a callback, what did not come.

    What passes by the guard is to be checked again by whoever takes it.
    """

    def take_refused() -> None:
        found = _read(getattr(st.session_state.get(key), "refused", None))
        if found is not None:
            on_refused(found)

    def take_failed() -> None:
        found = _read(getattr(st.session_state.get(key), "failed", None))
        if found is not None:
            on_refused(RefusedFile(found.name, None))

    guard = st.components.v2.component("geomsa_upload_guard", html="<span></span>", js=_JS)
    guard(
        key=key,
        data={"uploader": uploader, "limit": limit_bytes, "accept": _ACCEPT},
        on_refused_change=take_refused,
        on_failed_change=take_failed,
        height=1,
    )


def _read(told: Any) -> RefusedFile | None:
    """Return what the browser told; None where it is of another shape."""
    if not isinstance(told, Mapping) or not isinstance(told.get("name"), str):
        return None
    size = told.get("size")
    whole = int(size) if isinstance(size, int | float) and not isinstance(size, bool) and size >= 0 else None
    return RefusedFile(told["name"][:_LONGEST_NAME], whole)
