"""Authorization, services, language, sign-in, and the navigation that the role opens. Nothing else."""

from collections.abc import Callable

import streamlit as st
from starlette.middleware import Middleware
from streamlit import runtime

from core.access import ENGINEER, ROLE_NAMES, ROLES
from core.accounts.people import open_person, save_language
from core.errors import AppError, BadSetting
from core.i18n import LANGUAGES
from pages.components.shared.language import _, browser_language, language, set_language
from pages.components.shared.screens import navigation_pages
from pages.components.shared.session import (
    enter_session,
    is_first_run,
    is_signed_in,
    open_again,
    person,
    say_what_waits,
    seconds_since_worker_start,
    services,
    set_person,
    show_error,
    show_session_over,
    show_worker_notice,
    sign_out,
)
from pages.components.shared.style import apply_style
from pages.server.gate import Gate
from pages.server.requests import is_forwarded, is_loopback_address


def show_start_failure(error: AppError) -> None:
    """Show one page that says what stops the start, and a button to try again."""
    st.title(_("Geomsa cannot start"))
    show_error(error)
    if isinstance(error, BadSetting):
        st.markdown(_("Correct the setting in the environment and start the server again."))
    st.button(_("Try again"), type="primary", icon=":material/refresh:")


def enter_openly() -> None:
    """Give whoever is at this machine the role that the side bar (or the address) names: open mode."""
    asked = st.session_state.get("role") or st.query_params.get("role")
    role = asked if asked in ROLES else ENGINEER
    if not is_signed_in() or person().role != role:
        set_person(open_person(services(), role))
    st.session_state["role"] = role


def show_closed() -> None:
    """Say that nobody is let in as things are set. The gate says so first, and why; this holds if it is passed by."""
    st.title(_("Geomsa is closed here"))


def is_this_machine() -> bool:
    """Return whether the browser runs on this machine; Streamlit's word for its own address is None."""
    address = st.context.ip_address
    return (address is None or is_loopback_address(address)) and not is_forwarded(st.context.headers.keys())


def admit() -> Callable[[], None] | None:
    """Sign in the person that the settings allow; return the page to show instead where they allow none."""
    auth = services().settings.auth
    if auth == "accounts":
        return None if enter_session() else show_session_over
    if auth != "open" or not is_this_machine():
        return show_closed
    enter_openly()
    return None


def choose_run_language() -> None:
    """Return what was chosen in this session, then the person's saved choice, then the browser's, then the setting."""
    saved = st.session_state.get("language_choice") or (person().language if is_signed_in() else None)
    set_language(saved or browser_language(services().settings.language))


def keep_language() -> None:
    """Keep the choice of the language switch with the person."""
    set_language(st.session_state["language_choice"])
    try:
        set_person(save_language(services(), person(), language()))
    except AppError as error:
        show_error(error)


def keep_role_in_address(role: str) -> None:
    """Keep the role in the address: a reload, or a bookmark, comes back in the same role."""
    if role != ENGINEER:
        st.query_params["role"] = role
    elif "role" in st.query_params:
        del st.query_params["role"]


def show_sidebar() -> None:
    """Show who is here, in which role, in which language."""
    with st.sidebar.container(key="side_foot"):
        if services().settings.auth == "open":
            names = {role: _(ROLE_NAMES[role]) for role in ROLES}
            st.selectbox(
                _("Role"),
                ROLES,
                key="role",
                format_func=lambda role: names[role],
                help=_("There is no sign-in on this machine: every role can be tried."),
            )
            keep_role_in_address(st.session_state["role"])
        else:
            st.caption(f"{person().display_name} · {_(ROLE_NAMES[person().role])}")
            st.button(_("Sign out"), icon=":material/logout:", on_click=sign_out)
        st.session_state["language_choice"] = language()
        st.segmented_control(
            _("Language"),
            list(LANGUAGES),
            key="language_choice",
            required=True,
            format_func=lambda code: LANGUAGES[code],
            on_change=keep_language,
            width="stretch",
        )
        show_worker_notice(seconds_since_worker_start())


def authorize() -> st.Page | None:
    """Return the page to run for this person; None where this run has already shown what there is to see."""
    try:
        choose_run_language()
        instead = admit()
        if instead is not None:
            st.navigation([instead], position="hidden").run()
            return None
        choose_run_language()
        page = st.navigation(navigation_pages(person().role), expanded=True)
        if is_first_run() and page.url_path:
            open_again()
            return None
        show_sidebar()
    except AppError as error:
        show_start_failure(error)
        return None
    return page


def run_page() -> None:
    """Run the app once: the frame, and in it the page that was chosen."""
    st.set_page_config(page_title="Geomsa", page_icon="assets/icon.svg", layout="wide")
    set_language(st.session_state.get("language") or browser_language())
    apply_style()
    st.logo("assets/logo.svg", size="large", icon_image="assets/icon.svg")
    chosen_page = authorize()
    if chosen_page is not None:
        say_what_waits()
        try:
            chosen_page.run()
        except AppError as error:
            show_error(error)
            st.button(_("Try again"), key="page_try_again", icon=":material/refresh:")


if runtime.exists():
    run_page()
else:
    # `streamlit run Home.py` finds this application and serves it, so that no way in passes by the gate.
    app = st.App(__file__, middleware=[Middleware(Gate)])
