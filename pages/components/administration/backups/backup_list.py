"""The backups that there are: when, of what kind, how large, whether proven, and by whom."""

from __future__ import annotations

import streamlit as st

from core.backups.jobs import DRILL, VERIFY, start_check
from core.backups.records import BackupView, list_backups
from core.i18n import N_
from pages.components.shared.language import _, _n, byte_size, duration, escape, language, moment, number
from pages.components.shared.session import person, services, showing_errors

KINDS: dict[str, str] = {"full": N_("Full"), "incremental": N_("Incremental")}
_STATES: dict[str, tuple[str, str, str]] = {
    "running": (N_("Being made"), ":material/hourglass_top:", "blue"),
    "done": (N_("Whole"), ":material/task_alt:", "green"),
    "failed": (N_("Failed"), ":material/error:", "red"),
}
_SHOWN = 60


def show_backups() -> None:
    """Show every backup, the newest first, and the details of the one that is chosen."""
    st.subheader(_("All backups"))
    found = list_backups(services(), limit=_SHOWN)
    if not found:
        st.info(
            _("There is none yet. Make one now, or set up the schedule: then they are made by themselves."),
            icon=":material/backup:",
        )
        return
    for one in found:
        with st.container(border=True, gap="xsmall"):
            _show_one(one)


def _show_one(one: BackupView) -> None:
    about, state, more = st.columns([4.2, 2, 1.1], vertical_alignment="center")
    who = escape(_(one.asked_by)) if one.asked_by else _("by schedule")
    is_there = one.path.exists()
    words, icon, color = _STATES[one.state]
    title = f"**{moment(one.began_at)}** · {_(KINDS[one.kind])}"
    if one.state != "done":
        about.markdown(f"{title}  \n:small[{who}]")
    else:
        files = _n("{count} file", "{count} files", one.objects)
        new = _("{count} of them new", count=number(one.new_objects)) if one.kind == "incremental" else ""
        parts = [byte_size(one.byte_size), files, new, who]
        about.markdown(f"{title}  \n:small[{' · '.join(part for part in parts if part)}]")
    with state, st.container(horizontal=True, gap="xsmall"):
        if one.state == "done" and not is_there:
            st.badge(_("File not there"), icon=":material/search_off:", color="orange")
        elif one.state == "done" and one.verified_at is not None:
            st.badge(_("Verified"), icon=":material/verified:", color="green")
        else:
            st.badge(_(words), icon=icon, color=color)  # type: ignore[arg-type]
        if one.is_encrypted:
            st.badge(_("Encrypted"), icon=":material/lock:", color="gray")
    with more, st.popover(_("Details"), width="stretch", key=f"backup_details_{one.id}"):
        _show_details(one, is_there=is_there)
    if one.error is not None:
        st.caption(f":red[{escape(one.error.sentence(language()))}]")


def _show_details(one: BackupView, *, is_there: bool) -> None:
    facts = [(_("File"), f"`{one.path}`")]
    if one.state == "done":
        facts += [
            (_("Rows"), number(one.rows)),
            (_("Place in its chain"), number(one.number + 1)),
            (_("Took"), duration(one.seconds)),
            (_("Verified"), moment(one.verified_at) if one.verified_at is not None else _("not yet")),
        ]
    if one.missing:
        facts.append((_("Missing in the system itself"), number(one.missing)))
    if one.drill is not None:
        if one.drill.error is None:
            words = _(
                "{time}: went well in {duration}, with {models} models in use",
                time=moment(one.drill.at), duration=duration(one.drill.seconds), models=one.drill.models,
            )  # fmt: skip
        else:
            words = f"{moment(one.drill.at)}: {escape(one.drill.error.sentence(language()))}"
        facts.append((_("Trial restore"), words))
    st.markdown("\n".join(f"- {name}: {value}" for name, value in facts))
    if one.state == "done" and is_there:
        with st.container(horizontal=True):
            for how, words, icon in (
                (VERIFY, _("Verify"), ":material/verified:"),
                (DRILL, _("Try a restore"), ":material/settings_backup_restore:"),
            ):
                if st.button(words, icon=icon, key=f"backup_{how}_{one.id}"):
                    with showing_errors():
                        start_check(services(), person(), how=how, row_id=one.id)
                        st.rerun()
