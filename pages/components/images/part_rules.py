"""Asking how the part stands in the names of files, with a look at what the rule makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AppError
from core.images.exposures.rules import PartRule, read_rule
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import show_error

_EXAMPLE_NAME, _EXAMPLE_RULE = "IMG_0012_3.jpg", "{part}_{n}"
_MOST_EXAMPLES = 4


def ask_part_rule(names: Sequence[str], *, key: str) -> str | None:
    """Return the rule for the parts of files with these names, empty for none; None: what was typed is no rule."""
    with st.expander(_("Parts"), icon=":material/deployed_code:", key=f"{key}_parts"):
        st.caption(
            _(
                "Images of one part (exposures, views) belong together: a model that was trained on one of them knows "
                "the others, and looks better than it is. Where the file names tell the part, write how."
            )
        )
        text = st.text_input(
            _("Rule for the part in the file name"),
            key=f"{key}_part_rule",
            placeholder=_EXAMPLE_RULE,
            help=_(
                "`{part}` is the part, `{n}` a number, `{*}` anything; `{part:5}` are five characters. With folders "
                "(in a ZIP file): `{part}/{*}`. Leave it empty where names do not tell the part."
            ),
        ).strip()
        try:
            rule = read_rule(text or _EXAMPLE_RULE)
        except AppError as error:
            show_error(error)
            return None
        if text:
            _show_preview(rule, [name for name in names if not name.lower().endswith(".zip")])
        else:
            st.caption(_("For example:") + f" {_read(rule, _EXAMPLE_NAME)} (`{_EXAMPLE_RULE}`)")
    return text


def _show_preview(rule: PartRule, names: Sequence[str]) -> None:
    shown = list(names[:_MOST_EXAMPLES]) or [_EXAMPLE_NAME]
    st.markdown("\n".join(f"- {_read(rule, name)}" for name in shown))
    if not names:
        return
    parts = [rule.find(name) for name in names]
    n_parts, n_missed = len({part for part in parts if part}), parts.count("")
    images = _n("{count} image", "{count} images", len(names))
    words = _n("{images}: {count} part", "{images}: {count} parts", n_parts, images=images)
    if n_missed:
        missed = _n(
            "the rule does not fit {count} name: a part of its own",
            "the rule does not fit {count} names: each a part of its own",
            n_missed,
        )
        st.warning(f"{words} · {missed}", icon=":material/rule:")
    else:
        st.caption(words)


def _read(rule: PartRule, name: str) -> str:
    part = rule.find(name)
    if not part:
        return _("{name} → does not fit", name=escape(name))
    return _("{name} → part **{part}**", name=escape(name), part=escape(part))
