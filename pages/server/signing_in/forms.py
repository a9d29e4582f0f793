"""What the pages of signing in look like: plain forms, without a script. What was typed stays, but for passwords."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from core.accounts.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from core.errors import AppError
from core.i18n import LANGUAGES, N_, translate
from pages.server.plain_pages import page, problem, text

SIGN_IN = "/sign-in"
FIRST_ADMINISTRATOR = "/sign-in/first-administrator"
CODE = "/sign-in/code"
CHOOSE_PASSWORD = "/sign-in/password"  # noqa: S105 - an address
PROVIDER = "/sign-in/provider"


@dataclass(frozen=True)
class Asked:
    """What a page is asked for: its language, where the person wants to go (`target`), what went wrong, what was typed.

    `base_path` is where the app lies at its server; `note` is a msgid that is said above the form.
    """

    language: str
    target: str
    base_path: str
    error: AppError | None = None
    typed: dict[str, str] | None = None
    note: str = ""

    def value(self, name: str, longest: int = 190) -> str:
        """Return what was typed into a field."""
        return (self.typed or {}).get(name, "")[:longest]

    def address(self, path: str, **more: str) -> str:
        """Return the address of one of these pages, which keeps the way back and the language."""
        return f"{self.base_path}{path}?{urlencode({'next': self.target, 'language': self.language, **more})}"


def password_page(asked: Asked, *, offers_first: bool) -> str:
    """Return the page for a sign-in name and a password."""
    login = asked.value("login")
    form = _form(
        asked,
        SIGN_IN,
        N_("Sign in"),
        _login(asked, N_("Sign-in name"), is_focused=not login),
        _field(
            asked,
            "password",
            N_("Password"),
            f'type="password" autocomplete="current-password" maxlength="{MAX_CHARACTERS}"',
            is_focused=bool(login),
        ),
    )
    return _page(asked, N_("Sign in"), SIGN_IN, form + _ways(asked, offers_first=offers_first, offers_code=True))


def provider_page(asked: Asked, *, offers_first: bool) -> str:
    """Return the page that leads to the identity provider."""
    where = escape(asked.address(PROVIDER))
    button = f'<a class="again" href="{where}">{text(asked.language, N_("Sign in with your company account"))}</a>'
    hint = text(asked.language, N_("You are led to your company’s identity provider and back here."))
    content = f'{button}<p class="hint">{hint}</p>' + _ways(asked, offers_first=offers_first, offers_code=False)
    return _page(asked, N_("Sign in"), SIGN_IN, content)


def first_administrator_page(asked: Asked, *, with_password: bool) -> str:
    """Return the page on which the first administrator is set up with the code that the server has written."""
    hint = N_(
        "The code is in the server’s log and in the file first-administrator.txt in its data folder. It can be used "
        "once, within 24 hours."
    )
    login_hint = "" if with_password else N_("As the identity provider calls you: your user name or e-mail address.")
    form = _form(
        asked,
        FIRST_ADMINISTRATOR,
        N_("Set up"),
        _code(asked, hint, is_focused=not asked.value("code")),
        _login(asked, N_("Sign-in name"), is_focused=False, hint=login_hint),
        _field(asked, "name", N_("Name to show"), 'autocomplete="name" maxlength="190"'),
        _new_passwords(asked) if with_password else "",
    )
    return _page(asked, N_("Set up the first administrator"), FIRST_ADMINISTRATOR, form + _back(asked))


def code_page(asked: Asked) -> str:
    """Return the page for somebody whom an administrator has given a code."""
    hint = N_("An administrator has given it to you. It can be used once.")
    form = _form(
        asked,
        CODE,
        N_("Save and sign in"),
        _code(asked, hint, is_focused=not asked.value("code")),
        _new_passwords(asked),
    )
    return _page(asked, N_("I have a code"), CODE, form + _back(asked))


def choose_password_page(asked: Asked) -> str:
    """Return the page for somebody who has signed in with a password that somebody else has set."""
    why = text(asked.language, N_("An administrator has set your password. Choose one that you alone know."))
    form = _form(asked, CHOOSE_PASSWORD, N_("Save and continue"), _new_passwords(asked, is_focused=True))
    other = escape(asked.address(SIGN_IN))
    leave = (
        f'<ul class="ways"><li><a href="{other}">{text(asked.language, N_("Sign in as somebody else"))}</a></li></ul>'
    )
    return _page(asked, N_("Choose a new password"), CHOOSE_PASSWORD, f"<p>{why}</p>{form}{leave}")


def _page(asked: Asked, title: str, path: str, content: str) -> str:
    note = f'<p class="note" role="status">{text(asked.language, asked.note)}</p>' if asked.note else ""
    links = "".join(_language_link(asked, path, code) for code in LANGUAGES)
    return page(asked.language, title, note + problem(asked.language, asked.error) + content + f"<nav>{links}</nav>")


def _form(asked: Asked, path: str, button: str, *fields: str) -> str:
    action = escape(asked.address(path))
    pressed = f"<button>{text(asked.language, button)}</button>"
    return f'\n<form method="post" action="{action}">{"".join(fields)}\n{pressed}</form>'


def _field(asked: Asked, name: str, label: str, more: str, *, is_focused: bool = False, hint: str = "") -> str:
    typed = f' value="{escape(asked.value(name))}"' if "password" not in name and name != "again" else ""
    told = f'<p class="hint" id="{name}-hint">{text(asked.language, hint)}</p>' if hint else ""
    described = f' aria-describedby="{name}-hint"' if hint else ""
    focus = " autofocus" if is_focused else ""
    return f"""
<label for="{name}">{text(asked.language, label)}</label>
<input id="{name}" name="{name}" {more}{typed}{described} required{focus}>{told}"""


def _login(asked: Asked, label: str, *, is_focused: bool, hint: str = "") -> str:
    more = 'autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="190"'
    return _field(asked, "login", label, more, is_focused=is_focused, hint=hint)


def _code(asked: Asked, hint: str, *, is_focused: bool) -> str:
    more = 'autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="60"'
    return _field(asked, "code", N_("Code"), more, is_focused=is_focused, hint=hint)


def _new_passwords(asked: Asked, *, is_focused: bool = False) -> str:
    more = f'type="password" autocomplete="new-password" minlength="{MIN_CHARACTERS}" maxlength="{MAX_CHARACTERS}"'
    least = translate(asked.language, N_("At least {lowest} characters; several words are easier to remember."))
    hint = f'<p class="hint" id="password-rule">{escape(least.format(lowest=MIN_CHARACTERS))}</p>'
    return (
        _field(asked, "password", N_("New password"), f'{more} aria-describedby="password-rule"', is_focused=is_focused)
        + hint
        + _field(asked, "again", N_("New password, once more"), more)
    )


def _ways(asked: Asked, *, offers_first: bool, offers_code: bool) -> str:
    ways = []
    if offers_first:
        ways.append((FIRST_ADMINISTRATOR, N_("Set up the first administrator")))
    if offers_code:
        ways.append((CODE, N_("I have a code")))
    if not ways:
        return ""
    links = "".join(
        f'<li><a href="{escape(asked.address(path))}">{text(asked.language, name)}</a></li>' for path, name in ways
    )
    return f'<ul class="ways">{links}</ul>'


def _back(asked: Asked) -> str:
    where = escape(asked.address(SIGN_IN))
    return f'<ul class="ways"><li><a href="{where}">{text(asked.language, N_("Back to signing in"))}</a></li></ul>'


def _language_link(asked: Asked, path: str, code: str) -> str:
    name = LANGUAGES[code]
    if code == asked.language:
        return f'<span aria-current="true" lang="{code}">{name}</span>'
    return f'<a href="{escape(asked.address(path, language=code))}" lang="{code}">{name}</a>'
