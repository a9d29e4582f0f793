"""Pictures that are fetched before they are looked at, so that the next ones are there when their key is pressed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.history.lines import load_lines
from core.inspections.pictures import picture_token
from pages.components.shared.session import services
from pages.server.pictures import picture_path

_JS = """
const asked = new Set();
export default function (component) {
  for (const address of component.data.pictures) {
    if (asked.has(address)) continue;
    asked.add(address);
    new Image().src = address;
  }
}
"""


def prefetch_pictures(ids: Sequence[int], *, key: str) -> None:
    """Let the browser fetch the picture and the heat of these inspections."""
    addresses = [
        picture_path(line.id, name, picture_token(line.image_key))
        for line in load_lines(services(), ids)
        for name in ("part", "heat")
    ]
    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    fetcher = st.components.v2.component("geomsa_prefetch", html="<span></span>", js=_JS)
    with st.container(key="quiet"):
        fetcher(key=key, data={"pictures": addresses}, height=1)
