"""Reading a screen and clicking its buttons, as the tests of several screens do."""

from __future__ import annotations

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
