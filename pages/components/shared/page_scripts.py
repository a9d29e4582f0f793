"""Scripts of ours that act on the whole page: as components, because the policy of content runs nothing written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

_KEY = "page_script_"
# A script has nothing to show, and its place takes none.
STYLE = f"""[class*="st-key-{_KEY}"] {{display: none}}"""


def run_script(name: str, script: str, data: Mapping[str, Any]) -> None:
    """Run the statements of `script` in the browser with `data`; again at each run whose data differ.

    What is in `data` is a value there and never a part of the script.
    """
    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    body = f"export default function ({{data}}) {{\n{script}\n}}"
    mount = st.components.v2.component(f"geomsa_{name}", html="<span></span>", js=body)
    mount(key=f"{_KEY}{name}", data=dict(data), height=1)
