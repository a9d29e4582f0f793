"""Taking the pictures: one after the other in the random order, or many at once, and what the model says of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.gauge.file_plans import PlannedFile, name_of, plan_by_name, plan_by_order
from core.gauge.judging import find_change_of_model, judge_again, judge_waiting
from core.gauge.pictures import NewPicture, add_pictures, remove_picture
from core.gauge.records import Study
from core.gauge.sources import count_fetchable, fetch_pictures
from core.gauge.studies import load_study
from core.gauge.wording import name_picture
from core.images.incoming import expand_archives
from core.images.records import IncomingFile
from pages.components.analysis.gauge.picture_table import TAKE_OUT, show_picture_table
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, _n, escape, language, number, score
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.gauge.pictures import PictureOutcome

_AGAIN = "gauge_judge_again"
_ROUND, _REFUSED = "gauge_round", "gauge_refused"
_ONE, _MANY = "one", "many"
_BY_NAME, _BY_ORDER = "name", "order"


def show_pictures_step(study: Study) -> None:
    """Draw how far the pictures are, the ways to add them, and the table of all."""
    show_progress(study)
    _show_refused()
    if study.is_open:
        _show_model_change(study)
        _show_waiting(study)
        if study.next_trial is not None:
            _show_ways(study)
        else:
            st.success(_("All pictures are there."), icon=":material/check_circle:")
    show_picture_table(study)
    _show_dialogs(study)


def show_progress(study: Study) -> None:
    """Draw how many pictures are taken, and how many of them the model has judged."""
    total = max(1, len(study.trials))
    words = _("{done} of {total} pictures taken", done=number(study.n_taken), total=number(len(study.trials)))
    if study.with_model:
        words += " · " + _("{done} judged by the model", done=number(study.n_judged))
    st.progress(study.n_taken / total, text=words)
    if study.version_number is not None and study.review_at is not None and study.reject_at is not None:
        st.caption(
            _(
                "Judged by memory bank version {number}, Review from {review_at}, NG from {reject_at}. These pictures "
                "are no inspections: they count in no statistics.",
                number=study.version_number,
                review_at=score(study.review_at),
                reject_at=score(study.reject_at),
            )
        )


def _show_model_change(study: Study) -> None:
    with showing_errors():
        changed = find_change_of_model(services(), study.id)
        if changed is None or not study.n_judged:
            return
        version, review_at, reject_at = changed
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(
                ":material/info: "
                + _(
                    "In use now is version {number} (Review from {review_at}, NG from {reject_at}). The study goes on "
                    "with its own, so that all pictures are judged alike.",
                    number=version,
                    review_at=score(review_at),
                    reject_at=score(reject_at),
                ),
                width="stretch",
            )
            st.button(_("Judge all anew"), key="gauge_again", on_click=open_dialog, args=(_AGAIN,))


def _show_waiting(study: Study) -> None:
    fetchable = count_fetchable(study)
    if fetchable:
        words = _n("Copy {count} picture", "Copy {count} pictures", fetchable)
        if st.button(words, key="gauge_fetch", icon=":material/content_copy:", type="primary"):
            _take(fetch_pictures(services(), person(), study.id), fetchable, study)
    waiting = study.n_taken - study.n_judged - sum(bool(trial.error_code) for trial in study.trials)
    if study.with_model and waiting > 0:
        words = _n(
            "Let the model judge {count} picture that waits", "Let the model judge {count} pictures that wait", waiting
        )
        if st.button(words, key="gauge_judge", icon=":material/center_focus_strong:"):
            _judge(study)
            st.rerun()


def _show_ways(study: Study) -> None:
    ways = {_ONE: _("One after the other"), _MANY: _("Many at once")}
    way = st.segmented_control(
        _("Add pictures"), list(ways), key="gauge_way", default=_ONE, required=True, format_func=lambda one: ways[one]
    )
    if way == _MANY:
        _show_many(study)
    else:
        _show_next(study)


def _show_next(study: Study) -> None:
    trial = study.next_trial
    assert trial is not None
    with st.container(border=True, key="gauge_next"):
        told, give = st.columns([1, 1.6])
        part = study.parts_by_id[trial.part_id]
        told.caption(
            _("Picture {position} of {total}", position=number(trial.position), total=number(len(study.trials)))
        )
        told.markdown(f"### {_('Part {name}', name=escape(part.name))}")
        told.markdown(f"**{escape(name_picture(study, trial, _))}**")
        told.caption(_("Take the part out and place it again, as in daily work. The order is random, and it is kept."))
        with give:
            camera, upload = st.tabs([_("Camera"), _("File")], default=_("File"))
            turn = f"{trial.id}_{st.session_state.get(_ROUND, 0)}"
            with upload:
                file = st.file_uploader(_("Picture of this part"), key=f"gauge_file_{turn}")
            with camera:
                if st.toggle(_("Switch the camera on"), key="gauge_camera_on", persist_state="session"):
                    shot = st.camera_input(_("Picture of this part"), key=f"gauge_shot_{turn}")
                    file = shot or file
        if file is not None:
            name = file.name if not file.name.startswith("camera") else f"{name_of(study, trial)}.jpg"
            _take(
                add_pictures(services(), person(), study.id, [NewPicture(trial.id, IncomingFile(name, file.getvalue))]),
                1,
                study,
            )


def _show_many(study: Study) -> None:
    example = name_of(study, next(trial for trial in study.trials if not trial.is_taken))
    rules = {_BY_NAME: _("By their names"), _BY_ORDER: _("By their order")}
    rule = st.segmented_control(
        _("Which file is which picture"),
        list(rules),
        key="gauge_rule",
        default=_BY_NAME,
        required=True,
        format_func=lambda one: rules[one],
    )
    if rule == _BY_NAME:
        st.caption(_("Name each file like {example}.", example=f"`{example}.jpg`"))
    else:
        st.caption(_("Take the pictures in the order of the table below; the files are sorted by their names."))
    files = st.file_uploader(
        _("Pictures, or a ZIP file of them"),
        accept_multiple_files=True,
        key=f"gauge_files_{st.session_state.get(_ROUND, 0)}",
    )
    if not files:
        return
    with ExitStack() as stack, showing_errors():
        incoming, refused = stack.enter_context(
            expand_archives([IncomingFile(one.name, one.getvalue) for one in files])
        )
        names = [one.name for one in incoming]
        planned = plan_by_name(study, names) if rule == _BY_NAME else plan_by_order(study, names)
        usable = [one for one in planned if one.trial is not None]
        _show_plan(study, planned, [outcome.error for outcome in refused if outcome.error is not None])
        words = _n("Store {count} picture", "Store {count} pictures", len(usable))
        if usable and st.button(words, key="gauge_store", type="primary", icon=":material/save:"):
            pictures = [NewPicture(one.trial.id, incoming[one.place]) for one in usable if one.trial is not None]
            _take(add_pictures(services(), person(), study.id, pictures), len(pictures), study)


def _show_plan(study: Study, planned: Sequence[PlannedFile], refused: Sequence[AppError]) -> None:
    rows = [
        {
            _("File"): one.name,
            _("Picture"): name_picture(study, one.trial, _) if one.trial is not None else "–",
            _("What is wrong"): one.error.sentence(language()) if one.error is not None else "",
        }
        for one in planned
    ]
    st.dataframe(rows, hide_index=True, width="stretch", height=min(320, 38 * (len(rows) + 1)))
    for error in refused:
        show_error(error)


def _take(outcomes: Iterator[PictureOutcome], total: int, study: Study) -> None:
    """Store pictures with progress, let the model judge them, and draw the page anew; what was refused is told then."""
    refused = []
    bar = st.progress(0.0, text=_("Storing the pictures …"))
    try:
        for done, outcome in enumerate(outcomes, start=1):
            if outcome.error is not None:
                refused.append(outcome.error.sentence(language()))
            words = _("Storing the pictures: {done} of {total}", done=number(done), total=number(total))
            bar.progress(min(1.0, done / max(1, total)), text=words)
    except AppError as error:
        refused.append(error.sentence(language()))
    st.session_state[_REFUSED] = refused
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    _judge(study)
    st.rerun()


def _judge(study: Study) -> None:
    if not study.with_model:
        return
    bar = st.progress(0.0, text=_("The model looks …"))
    try:
        for done, total in judge_waiting(services(), person(), study.id):
            words = _("The model looks: {done} of {total}", done=number(done), total=number(total))
            bar.progress(done / max(1, total), text=words)
    except AppError as error:
        st.session_state[_REFUSED] = [*st.session_state.get(_REFUSED, []), error.sentence(language())]
    bar.empty()


def _show_refused() -> None:
    """Tell once what was refused before the page was drawn anew."""
    for sentence in st.session_state.pop(_REFUSED, []):
        st.error(sentence, icon=":material/error:")


def _show_dialogs(study: Study) -> None:
    if dialog := opened(TAKE_OUT):
        confirm(
            _("Take the picture out?"),
            _(
                "{picture} is deleted with what the model said of it, and comes up to be taken again.",
                picture=f"**{escape(dialog.values['picture'])}**",
            ),
            action=_("Take it out"),
            icon=":material/undo:",
            dialog=dialog,
            carry_out=lambda open_one: _take_out(study, open_one),
        )
    elif dialog := opened(_AGAIN):
        confirm(
            _("Judge all anew?"),
            _("What the model said of the pictures is replaced by what the version in use says. Ratings stay."),
            action=_("Judge all anew"),
            icon=":material/refresh:",
            dialog=dialog,
            carry_out=lambda _open_one: _again(study),
        )


def _take_out(study: Study, dialog: OpenDialog) -> None:
    with showing_errors():
        remove_picture(services(), person(), study.id, dialog.values["trial_id"])
        close_dialog()
        say_after_rerun(_("The picture is out. Take it anew."))
        st.rerun()


def _again(study: Study) -> None:
    with showing_errors():
        judge_again(services(), person(), study.id, row_version=study.row_version)
        close_dialog()
        _judge(load_study(services(), study.id))
        st.rerun()
