"""The pages that are there without Streamlit: closed, cannot start, missing, and what `signing_in` writes on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from core.errors import AppError, BadSetting
from core.i18n import N_, translate

_LONGEST_PATH = 80
_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_STYLE = """
:root {color-scheme: light dark; --paper: #f5f7f8; --card: #ffffff; --ink: #15232c; --line: #c6d1d8; --lead: #0b6c8a;
  --on-lead: #ffffff; --soft: #4d616d; --bad: #b3261e; --bad-paper: #fbeceb}
@media (prefers-color-scheme: dark) {:root {--paper: #0f181e; --card: #1a2730; --ink: #e3ebf0; --line: #3a4e5b;
  --lead: #2fa9c8; --on-lead: #06222b; --soft: #a9bac4; --bad: #ff9b93; --bad-paper: #3a1f1f}}
* {box-sizing: border-box}
body {margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); word-break: keep-all; overflow-wrap: break-word; font: 16px/1.5 Pretendard, 'Noto Sans KR',
  'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', NanumGothic, 'Segoe UI', Roboto, sans-serif}
main {width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem;
  padding: 2rem}
.brand {display: flex; align-items: center; gap: 0.6rem; font-weight: 700; font-size: 1.15rem}
.brand img {width: 2rem; height: 2rem}
h1 {font-size: 1.5rem; margin: 1.25rem 0 1rem; line-height: 1.25}
label {display: block; font-weight: 600; margin-top: 1rem}
input {width: 100%; min-height: 2.9rem; margin-top: 0.3rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit;
  background: var(--paper); border: 1px solid var(--line); border-radius: 0.375rem}
button, .again {display: block; width: 100%; min-height: 3rem; margin-top: 1.5rem; font: inherit; font-weight: 650;
  color: var(--on-lead); background: var(--lead); border: 0; border-radius: 0.375rem; cursor: pointer;
  text-align: center; line-height: 3rem; text-decoration: none}
:is(input, button, a):focus-visible {outline: 3px solid var(--lead); outline-offset: 2px}
.problem {margin: 1rem 0 0; padding: 0.75rem 1rem; border-radius: 0.375rem; color: var(--bad);
  background: var(--bad-paper)}
.note {margin: 1rem 0 0; padding: 0.75rem 1rem; border-radius: 0.375rem; background: var(--paper)}
.hint {margin: 0.35rem 0 0; color: var(--soft); font-size: 0.9rem; font-weight: 400}
.ways {margin: 1.5rem 0 0; padding: 0; list-style: none; display: grid; gap: 0.5rem}
.ways a {color: var(--lead)}
code {font-size: 0.95em; padding: 0.1rem 0.35rem; border-radius: 0.25rem; background: var(--paper)}
nav {margin-top: 1.75rem; display: flex; flex-wrap: wrap; gap: 0.5rem; font-size: 0.95rem}
nav a, nav span {padding: 0.35rem 0.75rem; border-radius: 0.375rem; color: var(--soft)}
nav span {font-weight: 650; color: var(--ink); border: 1px solid var(--line)}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Nothing may run on these pages, and nothing is fetched but the icon that is written into them.
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def closed(language: str) -> str:
    """Return the page for whom nothing is open as things are set: why, and what to set."""
    why = N_(
        "Without sign-in, only the machine itself is let in, at localhost and without a proxy. "
        "Set GEOMSA_AUTH to accounts."
    )
    return page(language, N_("Geomsa is closed here"), f'<p class="problem">{text(language, why)}</p>')


def cannot_start(language: str, error: AppError) -> str:
    """Return the page that says what stops the start, with a way to try again."""
    more = ""
    if isinstance(error, BadSetting):
        more = f"<p>{text(language, N_('Correct the setting in the environment and start the server again.'))}</p>"
    again = f'<a class="again" href="">{text(language, N_("Try again"))}</a>'
    return page(language, N_("Geomsa cannot start"), problem(language, error) + more + again)


def missing(language: str, path: str, *, links: Sequence[tuple[str, str]]) -> str:
    """Return the page for an address that no screen has; `links` are where to go instead, the first one foremost.

    Each link is its address and its msgid.
    """
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
    why = text(language, N_("There is no screen at this address:"))
    hint = text(language, N_("It may be mistyped, or from an older version. Go on from here:"))
    (first, first_name), *others = links
    more = "".join(f'<a href="{escape(where)}">{text(language, name)}</a>' for where, name in others)
    return page(
        language,
        N_("Page not found"),
        f"<p>{why} <code>{escape(shown)}</code></p><p>{hint}</p>"
        f'<a class="again" href="{escape(first)}">{text(language, first_name)}</a><nav>{more}</nav>',
    )


def problem(language: str, error: AppError | None) -> str:
    """Return the box that says the error, nothing where there is none."""
    return f'<p class="problem" role="alert">{escape(error.sentence(language))}</p>' if error is not None else ""


def text(language: str, msgid: str) -> str:
    """Return a sentence in the language, safe to stand in a page."""
    return escape(translate(language, msgid))


def page(language: str, title: str, content: str) -> str:
    """Return a whole page: the brand, `title` (a msgid) and `content`, which is HTML."""
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(language, title)} · Geomsa</title><link rel="icon" href="{_icon()}"><style>{_STYLE}</style></head>
<body><main><div class="brand"><img src="{_icon()}" alt="">Geomsa</div>
<h1>{text(language, title)}</h1>{content}</main></body></html>
"""


@cache
def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode((_ASSETS / "icon.svg").read_bytes()).decode()
