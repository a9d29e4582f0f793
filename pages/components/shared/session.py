"""The browser session: the services, the person, what the person may do, and how an error is shown."""

from __future__ import annotations

import html
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.access import ENGINEER, PAGE, ROLE_NAMES, WORKER, Person, reaches
from core.accounts import sessions
from core.accounts.bindings import UNBOUND, Bindings, bindings_of, limit_services
from core.errors import AppError, NotAllowed, Unavailable, from_lower
from core.jobs.heartbeats import workers_alive
from core.logs import note_person
from core.refusals import note_refusal
from core.services import Services, keep_services
from core.settings import read_settings
from core.worker.embedded import start_embedded
from pages.components.shared.language import _, language
from pages.components.shared.page_scripts import run_script
from pages.components.shared.screens import INSPECT_PART, link_to
from pages.server.requests import app_path

_PERSON_KEY = "person"
_SIGNED_OUT_KEY = "signed_out"
_FLASH_KEY = "flash"
_WORKER_START_S = 25.0
_SETTINGS_GOOD_FOR_S = 1.0
_LEAVE_JS = """
const path = window.location.pathname + window.location.search;
const back = data.comes_back ? "&next=" + encodeURIComponent(path.slice(data.base_length) || "/") : "";
window.location.replace(data.where + back);
"""
opened = threading.Event()
_log = logging.getLogger("geomsa.pages")


class _RunServices(threading.local):
    """The services of the run in this thread, and when they were asked for."""

    found: Services | None = None
    at: float = 0.0
    seen: Services | None = None
    seen_for: int | None = None
    bindings: Bindings = UNBOUND


_of_run = _RunServices()


def services() -> Services:
    """Return the process's services, built at first use. Raises BadSetting, Unavailable; the next run tries again.

    A line worker who is bound to products or lines gets services that show those alone. A run asks dozens of times: the
    settings are read and checked once for it, and again after a second.
    """
    now = time.monotonic()
    if _of_run.found is None or now - _of_run.at > _SETTINGS_GOOD_FOR_S:
        _of_run.found, _of_run.at, _of_run.seen = keep_services(read_settings()), now, None
    who = st.session_state.get(_PERSON_KEY)
    if not isinstance(who, Person) or who.role != WORKER:
        return _of_run.found
    if _of_run.seen is None or _of_run.seen_for != who.id:
        _of_run.bindings = bindings_of(_of_run.found, who)
        _of_run.seen, _of_run.seen_for = limit_services(_of_run.found, _of_run.bindings), who.id
    return _of_run.seen


def own_bindings() -> Bindings:
    """Return what the person of this run is bound to: nothing unless it is a line worker."""
    services()
    return _of_run.bindings if is_signed_in() and person().role == WORKER else UNBOUND


def session_cookie() -> str:
    """Return the cookie of the browser's sign-in session, "" where there is none."""
    return st.context.cookies.get(sessions.cookie_names(services())[0], "")


def is_first_run() -> bool:
    """Return whether Home.py runs for the first time in this process; True once."""
    is_first = not opened.is_set()
    opened.set()
    return is_first


def open_again() -> None:
    """Load the page once more: before its first run a server knows no screens, and calls a link to one unknown."""
    run_script("open_again", "window.location.reload();", {})


def seconds_since_worker_start() -> float | None:
    """Return how long this server's own worker has been running; None where the worker is run outside.

    Starts it at the first call of the process when `GEOMSA_WORKER=embedded`.
    """
    worker = start_embedded(services().settings)
    return time.monotonic() - worker.started_at if worker is not None else None


def show_worker_notice(since_start_s: float | None) -> None:
    """Say when no worker is there to build models; a worker of our own that is only just starting is no news."""
    if may(ENGINEER) and (since_start_s is None or since_start_s > _WORKER_START_S) and workers_alive(services()) == 0:
        st.badge(
            _("No worker: deployments wait"),
            icon=":material/engineering:",
            color="orange",
            help=_("Nothing builds models now. Start a worker on the server: `python -m core worker`"),
        )


def show_worker_missing(since_start_s: float | None) -> None:
    """Say under a deployment that waits that nobody will take it up, and what to do about it."""
    if (since_start_s is None or since_start_s > _WORKER_START_S) and workers_alive(services()) == 0:
        if since_start_s is None:
            advice = _("No worker is alive, so nothing is built. Start one on a server: `python -m core worker`")
        else:
            advice = _(
                "The app's own worker does not answer and is started again by itself. If this stays for more than a "
                "minute, restart the app; the reason is in {file}.",
                file=f"`{services().settings.data_dir / 'logs' / 'worker.log'}`",
            )
        st.warning(advice, icon=":material/engineering:")


def set_person(who: Person) -> None:
    """Make `who` the person of this browser session, who acts through its pages and from its address."""
    st.session_state[_PERSON_KEY] = who.acting(PAGE, client_address())
    note_person(who.id)


def client_address() -> str:
    """Return the network address of the browser, as the gate sees it."""
    return st.context.ip_address or "127.0.0.1"  # Streamlit says nothing of this machine's own


def clear_person() -> None:
    """Leave nothing of the person's work in the session."""
    chosen_language = language()
    st.session_state.clear()
    st.session_state["language"] = chosen_language


def enter_session() -> bool:
    """Make the person of the browser's sign-in session the one of this run; whether there is one.

    The session is asked for at every run, so that a disabled account, another role and a new password count at once.
    Raises AppError when the database cannot tell.
    """
    try:
        # The gate has noted that it is used, or has told a page that asks by itself from a person who does.
        found = sessions.find(services(), session_cookie(), is_use=False)
    except NotAllowed:
        return False
    if is_signed_in() and person().id != found.id:
        clear_person()
    set_person(found)
    return True


def sign_out() -> None:
    """End the browser's sign-in session; the run that follows leads to the sign-in page."""
    try:
        sessions.end(services(), session_cookie(), address=client_address())
    except AppError as error:
        show_error(error)
        return
    clear_person()
    st.session_state[_SIGNED_OUT_KEY] = True


def show_session_over() -> None:
    """Lead to the sign-in page, which says why; with a link for a browser that does not follow by itself."""
    chose_to_leave = st.session_state.pop(_SIGNED_OUT_KEY, False)
    clear_person()
    by_provider = services().settings.auth == "oidc"
    # Whoever leaves is signed out at the identity provider as well.
    leave = "/auth/logout" if by_provider else "/sign-in?out=1"
    where = app_path(leave if chose_to_leave else "/sign-in?ended=1")
    st.title(_("Signed out") if chose_to_leave else _("Your sign-in has ended"))
    st.html(f'<a href="{html.escape(where)}" target="_self">{html.escape(_("Sign in"))}</a>')
    # Whoever did not choose to leave comes back to the same page.
    data = {"where": where, "comes_back": not chose_to_leave, "base_length": len(app_path(""))}
    run_script("session_over", _LEAVE_JS, data)


def person() -> Person:
    """Return the person of this browser session. Raises NotAllowed where nobody has signed in."""
    found = st.session_state.get(_PERSON_KEY)
    if not isinstance(found, Person):
        raise NotAllowed("role_too_low", needed="worker")
    return found


def is_signed_in() -> bool:
    """Return whether the session has a person."""
    return isinstance(st.session_state.get(_PERSON_KEY), Person)


def may(role: str) -> bool:
    """Return whether the person reaches `role`."""
    return is_signed_in() and reaches(person().role, role)


def require(role: str) -> None:
    """Stop here, with a sentence, unless the person reaches `role`: the first line of every screen."""
    if may(role):
        return
    note_refusal(services(), person() if is_signed_in() else None, reason="role_too_low", needed=role)
    st.title(_("This screen is not open to you"))
    st.error(
        _("It needs the role “{role}”. Ask an administrator, or choose another screen.", role=_(ROLE_NAMES[role])),
        icon=":material/lock:",
    )
    link_to(INSPECT_PART, _("Inspect a part"))
    st.stop()


def show_error(error: Exception) -> None:
    """Show one sentence in the run's language: what happened, to what, and what to do. Never a traceback."""
    shaped = from_lower(error)
    if shaped.code == "unexpected":
        _log.error("unexpected error on a page", exc_info=error)
    elif isinstance(shaped, Unavailable):
        _log.warning("part outside the process does not answer: %s", shaped.code)
    st.error(shaped.sentence(language()), icon=":material/error:")


@contextmanager
def showing_errors() -> Iterator[None]:
    """Show an error of the block as a sentence and go on: what was typed elsewhere on the page stays."""
    try:
        yield
    except AppError as error:
        show_error(error)


def say_after_rerun(message: str, icon: str = ":material/check_circle:") -> None:
    """Say `message` once, on the next run: a rerun would otherwise swallow it."""
    st.session_state.setdefault(_FLASH_KEY, []).append((message, icon))


def say_what_waits() -> None:
    """Say what `say_after_rerun` kept."""
    for message, icon in st.session_state.pop(_FLASH_KEY, []):
        st.toast(message, icon=icon)
