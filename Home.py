"""Authorization, services, language, sign-in, and the navigation that the role opens. Nothing else."""

from collections.abc import Callable
from typing import Literal

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from streamlit import runtime

from core.access import ENGINEER, ROLE_NAMES, ROLES
from core.accounts.people import open_person, save_language
from core.api.mounting import LazyInterface
from core.api.origins import is_forwarded, is_loopback_address
from core.api.proxies import take_over_from_uvicorn
from core.errors import AppError, BadSetting
from core.i18n import LANGUAGES
from core.logs import set_up, wants_json
from core.masking import mask_logs
from core.models.kinds import MEMORY_BANK
from core.refusals import WHERE
from core.registry.versions import has_any_active
from pages.components.shared.language import _, browser_language, escape, language, set_language
from pages.components.shared.navigation import fold_groups, show_jump
from pages.components.shared.screens import FIRST_INSPECTION, PROFILE, address_of, link_to, navigation_pages
from pages.components.shared.session import (
    enter_session,
    is_first_run,
    is_signed_in,
    may,
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
from pages.server.audit_downloads import audit_routes
from pages.server.downloads import download_routes
from pages.server.drawing_pictures import drawing_routes
from pages.server.export_downloads import export_routes
from pages.server.gate import Gate
from pages.server.history_downloads import history_routes
from pages.server.image_downloads import image_routes
from pages.server.pictures import picture_routes
from pages.server.report_downloads import report_routes
from pages.server.requests import app_path
from pages.server.starting import secrets_at_start, starting
from pages.server.streamlit_logs import log_as_all_others_do
from pages.server.trend_downloads import trend_routes
from pages.server.uploads import forget_uploads

_HAS_MODEL, _STAYS_LISTED = "has_model", "first_path_listed"


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
    if auth in {"accounts", "oidc"}:
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


def show_sidebar(address: str, also: tuple[str, ...]) -> None:
    """Show at the foot of the side bar who is here, in which role, in which language; it stands at every height."""
    with st.sidebar.container(key="side_foot"):
        fold_groups(person().role, address, also=also)
        show_jump(person().role, also=also)
        if services().settings.auth == "open":
            with st.container(horizontal=True, vertical_alignment="center", key="side_person", wrap=False):
                show_role_switch()
                show_language_switch("content")
        else:
            with st.container(horizontal=True, vertical_alignment="center", key="side_person", wrap=False):
                show_account_link()
                st.button(_("Sign out"), key="sign_out", icon=":material/logout:", type="tertiary", on_click=sign_out)
            show_language_switch("stretch")
        show_worker_notice(seconds_since_worker_start())


def show_account_link() -> None:
    """Show who is signed in, in which role; it leads to the person's own account."""
    name = f"{escape(person().display_name)} · {_(ROLE_NAMES[person().role])}"
    with st.container(key="side_account", width="stretch"):
        link_to(PROFILE, name, icon=":material/account_circle:", help_text=_("My account"))


def show_role_switch() -> None:
    """Show the role that this machine tries out, and keep it in the address."""
    names = {role: _(ROLE_NAMES[role]) for role in ROLES}
    st.selectbox(
        _("Role"),
        ROLES,
        key="role",
        format_func=lambda role: names[role],
        label_visibility="collapsed",
        width="stretch",
    )
    keep_role_in_address(st.session_state["role"])


def show_language_switch(width: Literal["content", "stretch"]) -> None:
    """Show the language of this person's screens."""
    st.session_state["language_choice"] = language()
    st.segmented_control(
        _("Language"),
        list(LANGUAGES),
        key="language_choice",
        required=True,
        format_func=lambda code: LANGUAGES[code],
        on_change=keep_language,
        label_visibility="collapsed",
        width=width,
    )


def list_exceptions() -> tuple[str, ...]:
    """Return the screens that the navigation lists for now: the way to the first inspection, until a model is in use.

    It stays listed until that screen is left: the navigation does not change under the hand.
    """
    if not may(ENGINEER):
        return ()
    if not st.session_state.get(_HAS_MODEL):
        st.session_state[_HAS_MODEL] = has_any_active(services(), MEMORY_BANK)
    return () if st.session_state[_HAS_MODEL] and not st.session_state.get(_STAYS_LISTED) else (FIRST_INSPECTION,)


def authorize() -> st.Page | None:
    """Return the page to run for this person; None where this run has already shown what there is to see."""
    try:
        choose_run_language()
        instead = admit()
        if instead is not None:
            st.navigation([instead], position="hidden").run()
            return None
        choose_run_language()
        also = list_exceptions()
        page = st.navigation(navigation_pages(person().role, also=also), expanded=True)
        if is_first_run() and page.url_path:
            open_again()
            return None
        address = f"/{page.url_path}"
        st.session_state[_STAYS_LISTED] = bool(also) and address == address_of(FIRST_INSPECTION)
        show_sidebar(address, also)
    except AppError as error:
        show_start_failure(error)
        return None
    return page


def run_page() -> None:
    """Run the app once: the frame, and in it the page that was chosen."""
    st.set_page_config(page_title="Geomsa", page_icon="assets/icon.svg", layout="wide")
    set_language(st.session_state.get("language") or browser_language())
    apply_style()
    forget_uploads()
    st.logo("assets/logo.svg", size="large", icon_image="assets/icon.svg")
    chosen_page = authorize()
    if chosen_page is not None:
        WHERE.set(f"/{chosen_page.url_path}")
        say_what_waits()
        try:
            chosen_page.run()
        except AppError as error:
            show_error(error)
            st.button(_("Try again"), key="page_try_again", icon=":material/refresh:")


if runtime.exists():
    run_page()
else:
    mask_logs()
    set_up("app", level="INFO" if wants_json() else "WARNING")
    if wants_json():
        log_as_all_others_do()
    take_over_from_uvicorn()
    # `streamlit run Home.py` finds this application and serves it, so that no way in passes by the gate.
    app = st.App(
        __file__,
        routes=[
            *picture_routes(),
            *drawing_routes(),
            *download_routes(),
            *history_routes(),
            *image_routes(),
            *trend_routes(),
            *report_routes(),
            *export_routes(),
            *audit_routes(),
            Mount(app_path("/api"), app=LazyInterface()),
        ],
        middleware=[Middleware(Gate)],
        secrets=secrets_at_start(),
        lifespan=starting,
    )
