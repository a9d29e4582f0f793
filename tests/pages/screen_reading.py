"""Reading a screen and clicking its buttons, as the tests of several screens do."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def texts(app: AppTest) -> str:
    """Return everything that is written on the screen, one piece a line."""
    pieces = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(piece.value) for piece in [*pieces, *app.success, *app.toast])


def press(app: AppTest, label: str) -> AppTest:
    """Click the button with this label."""
    found = [button for button in app.button if button.label == label]
    assert found, f"no button {label!r} among {[button.label for button in app.button]}"
    app = found[0].click().run()
    assert not app.exception
    return app


def history_rows(app: AppTest) -> list[dict[str, Any]]:
    """Return the rows of the table of inspections as the browser gets them; none where it is not on the page."""
    found = [one.proto for one in app.get("bidi_component") if "geomsa_history_table" in one.proto.component_name]
    return list(json.loads(found[0].json)["rows"]) if found else []


def gallery_tiles(app: AppTest) -> list[dict[str, Any]]:
    """Return the tiles of the gallery as the browser gets them; none where it is not on the page."""
    found = [one.proto for one in app.get("bidi_component") if "geomsa_image_tiles" in one.proto.component_name]
    return list(json.loads(found[0].json)["tiles"]) if found else []


def table_rows(app: AppTest, label: str) -> list[list[str]]:
    """Return the texts of a table whose cells are links."""
    for found in app.get("bidi_component"):
        if "geomsa_link_table" in found.proto.component_name:
            told = json.loads(found.proto.json)
            if told["label"] == label:
                return [[cell["text"] for cell in row] for row in told["rows"]]
    return []
