"""System status: every part of the installation with what is wrong and what to do, and what guidance costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.access import ADMIN, ENGINEER
from core.errors import AppError
from core.i18n import N_
from core.jobs.heartbeats import list_workers
from core.operations.health import Check, check, describe_system
from core.operations.orphans import clean_up
from core.operations.package_versions import list_packages
from pages.components.administration.delivery_targets import show_delivery_targets
from pages.components.administration.guidance_costs import show_use
from pages.components.administration.watched_folders import show_watched_folders
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, _n, clock, duration, escape, language, moment
from pages.components.shared.session import may, person, require, say_after_rerun, services, show_error

require(ENGINEER)

_FOUND, _FOUND_AT, _THOROUGH = "status_checks", "status_checked_at", "status_thorough"
_CLEAN_UP = "status_clean_up"
# What the check of the orphans finds where nothing speaks against the clean-up.
_MAY_CLEAN_UP = {"check_orphans", "check_orphans_many"}
_PARTS: dict[str, tuple[str, str]] = {
    "settings": (N_("Settings"), ":material/tune:"),
    "data_dir": (N_("Disk"), ":material/hard_drive:"),
    "database": (N_("Database"), ":material/database:"),
    "object_store": (N_("Object store"), ":material/inventory_2:"),
    "identity": (N_("Database and files"), ":material/link:"),
    "audit": (N_("Audit log"), ":material/receipt_long:"),
    "worker": (N_("Worker"), ":material/engineering:"),
    "watching": (N_("Watched folders"), ":material/folder_eye:"),
    "deliveries": (N_("Results sent on"), ":material/outgoing_mail:"),
    "reports": (N_("Scheduled reports"), ":material/schedule_send:"),
    "api_keys": (N_("API keys"), ":material/key:"),
    "backup": (N_("Backup"), ":material/backup:"),
    "tracking": (N_("Tracking of trainings"), ":material/monitoring:"),
    "certificates": (N_("Certificates"), ":material/verified_user:"),
    "device": (N_("Computing device"), ":material/memory:"),
    "similar_images": (N_("Similar images"), ":material/image_search:"),
    "weights": (N_("Built-in image model"), ":material/deployed_code:"),
    "encoder": (N_("Search in manuals"), ":material/translate:"),
    "models": (N_("Models in use"), ":material/monitoring:"),
    "packages": (N_("Program packages"), ":material/package_2:"),
    "orphans": (N_("Files without use"), ":material/delete_sweep:"),
    "counts": (N_("Counts of inspections"), ":material/functions:"),
    "folders": (N_("Folders of images"), ":material/drive_file_move:"),
    "missing": (N_("Missing files"), ":material/search_off:"),
    "damaged": (N_("Damaged files"), ":material/broken_image:"),
}
_SYSTEM_NAMES: dict[str, str] = {
    "python": N_("Python"),
    "system": N_("Operating system"),
    "schema": N_("Version of the tables"),
}


def show_screen() -> None:
    """Show the checks, the workers, the versions, and the use of guidance."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("System status"), width="stretch")
        again = st.button(
            _("Check again"),
            icon=":material/refresh:",
            help=_("Also reads the whole database, and says what is damaged."),
        )
        if again:
            st.session_state.pop(_FOUND, None)
            st.session_state[_THOROUGH] = True
    checks = run_checks()
    show_summary(checks)
    show_checks(checks)
    show_watched_folders()
    show_delivery_targets()
    show_workers()
    show_versions()
    if may(ADMIN):
        st.divider()
        show_use()
    if dialog := opened(_CLEAN_UP):
        ask_to_clean_up(dialog)


def run_checks() -> list[Check]:
    """Return the findings of this visit. They are kept until asked for anew: one of them looks at every stored file."""
    if _FOUND not in st.session_state:
        with st.spinner(_("Checking every part …")):
            # The first look must not take as long as the database is large; who asks again wants to know all.
            st.session_state[_FOUND] = check(services(), thorough=st.session_state.pop(_THOROUGH, False))
            st.session_state[_FOUND_AT] = datetime.now(UTC)
    found: list[Check] = st.session_state[_FOUND]
    return found


def show_summary(checks: Sequence[Check]) -> None:
    """Say in one line whether something needs attention."""
    wrong = sum(not found.ok for found in checks)
    when = _("Checked at {time}.", time=clock(st.session_state[_FOUND_AT]))
    if wrong:
        st.error(
            _n("{count} part needs attention.", "{count} parts need attention.", wrong) + f" {when}",
            icon=":material/error:",
        )
    elif warned := sum(found.is_warning for found in checks):
        st.warning(
            _n(
                "Everything works; {count} part has a warning.",
                "Everything works; {count} parts have warnings.",
                warned,
            )
            + f" {when}",
            icon=":material/warning:",
        )
    else:
        st.success(_("Everything works.") + f" {when}", icon=":material/check_circle:")
    st.caption(_("The same on the server: `python -m core doctor`"))


def show_checks(checks: Sequence[Check]) -> None:
    """Show a line for each part, those that need attention first."""
    with st.container(border=True, gap="xsmall"):
        for found in sorted(checks, key=lambda one: (one.ok, not one.is_warning)):
            title, icon = _PARTS.get(found.name, (found.name, ":material/help:"))
            name, state, text, action = st.columns([1.5, 1.25, 4.7, 1.2], vertical_alignment="center")
            name.markdown(f"{icon} **{_(title)}**")
            with state:
                if found.is_warning:
                    st.badge(_("Warning"), icon=":material/warning:", color="orange")
                elif found.ok:
                    st.badge(_("Works"), icon=":material/check_circle:", color="green")
                else:
                    st.badge(_("Attention"), icon=":material/error:", color="red")
            text.markdown(escape(found.sentence(language())))
            if may(ADMIN) and found.code in _MAY_CLEAN_UP and found.params.get("count"):
                action.button(
                    _("Clean up"),
                    icon=":material/delete_sweep:",
                    on_click=open_dialog,
                    args=(_CLEAN_UP,),
                    kwargs={"count": int(found.params["count"])},
                    width="stretch",
                )


def ask_to_clean_up(dialog: OpenDialog) -> None:
    """Say what goes before it does."""
    confirm(
        _("Clean up?"),
        _n(
            "{count} stored file that nothing refers to, older than a day, is moved to the trash.",
            "{count} stored files that nothing refers to, older than a day, are moved to the trash.",
            int(dialog.values["count"]),
        )
        + " "
        + _n(
            "It is deleted for good after {count} day.",
            "It is deleted for good after {count} days.",
            services().settings.trash_days,
        ),
        action=_("Move to the trash"),
        icon=":material/delete:",
        dialog=dialog,
        carry_out=carry_out_clean_up,
    )


def carry_out_clean_up(_dialog: OpenDialog) -> None:
    """Clean up, now that the person has confirmed it."""
    try:
        with st.spinner(_("Cleaning up …")):
            count = clean_up(services(), person())
    except AppError as error:
        show_error(error)
        return
    st.session_state.pop(_FOUND, None)
    close_dialog()
    say_after_rerun(
        _n("{count} file moved to the trash.", "{count} files moved to the trash.", count), ":material/delete:"
    )
    st.rerun()


def show_workers() -> None:
    """Show each worker with its last heartbeat."""
    st.subheader(_("Workers"))
    workers = list_workers(services())
    if not workers:
        st.caption(_("No worker has signed in. Start one on the server: `python -m core worker`"))
        return
    now = datetime.now(UTC)
    st.dataframe(
        [
            {
                _("State"): _("alive") if row.is_alive else _("silent"),
                _("Host"): row.host,
                _("Process"): str(row.pid),
                _("Started"): moment(row.started_at),
                _("Last sign of life"): _("{time} ago", time=duration((now - row.heartbeat_at).total_seconds())),
                _("Works on"): _("job {id}", id=row.job_id) if row.job_id is not None else "–",
            }
            for row in workers
        ],
        hide_index=True,
        width="stretch",
    )


def show_versions() -> None:
    """Show what support asks for first."""
    with st.expander(_("Versions"), icon=":material/info:"):
        facts = {_(_SYSTEM_NAMES[name]): value for name, value in describe_system().items()}
        st.markdown("\n".join(f"- {name}: **{escape(value)}**" for name, value in facts.items()))
        st.dataframe(
            [
                {
                    _("Package"): one.name,
                    _("Installed"): one.version or _("missing"),
                    _("At least"): one.lowest,
                    _("State"): _("fine") if one.ok else _("too old or missing"),
                }
                for one in list_packages()
            ],
            hide_index=True,
            width="stretch",
        )


show_screen()
