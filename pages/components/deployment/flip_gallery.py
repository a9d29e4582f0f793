"""What a replay found: one sentence, two tables of counts, and the parts whose verdict changes as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.inspections.terms import VERDICT_NAMES
from core.replay.records import (
    DEFECT,
    GOOD,
    INSPECTION,
    LABEL,
    PASSED,
    STOPPED,
    UNKNOWN,
)
from pages.components.deployment.job_log import reason_sentence
from pages.components.gallery.walking import ListWalk
from pages.components.inspection.shown_result import clear_result
from pages.components.shared import screens
from pages.components.shared.dialogs import close_dialog, open_dialog
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, defect_name, escape, number, score
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.replay.records import ComparedImage, FlipGroup, Judge, Judgment, Replay

OPEN_IMAGE = "flipped_image"
_GO_TO = "flipped_inspection"
_COLUMNS = 5
_PAGE_SIZE = 15
_MOST_NAMED = 20


def show_replay(replay: Replay) -> None:
    """Show what would change, in words and counts."""
    groups = replay.groups()
    if replay.before is None:
        st.info(_("No version is in use: nothing can change yet."), icon=":material/info:")
    elif not groups:
        st.success(_("No verdict would change."), icon=":material/check_circle:")
    else:
        st.markdown(" · ".join(_summarize(groups)))
    st.caption(_describe_scope(replay))
    _show_notes(replay)
    left, right = st.columns(2)
    with left:
        _show_known(replay)
    with right:
        _show_verdicts(replay)


def _summarize(groups: Sequence[FlipGroup]) -> list[str]:
    """Return how many parts would be stopped or pass, by what is known of them, then how many stay stopped."""
    words = []
    n_between = 0
    for group in groups:
        count = _SENTENCES.get((group.known_as, group.flip))
        if count is None:
            n_between += len(group.images)
        else:
            words.append((":red[**{}**]" if group.is_mistake else "**{}**").format(count(len(group.images))))
    if n_between:
        words.append(
            _n("{count} part changes between Review and NG", "{count} parts change between Review and NG", n_between)
        )
    return words


_SENTENCES: dict[tuple[str, str], Callable[[int], str]] = {
    (DEFECT, PASSED): lambda n: _n("{count} known defect would now pass", "{count} known defects would now pass", n),
    (GOOD, STOPPED): lambda n: _n(
        "{count} good part would now be stopped", "{count} good parts would now be stopped", n
    ),
    (DEFECT, STOPPED): lambda n: _n(
        "{count} known defect would now be stopped", "{count} known defects would now be stopped", n
    ),
    (GOOD, PASSED): lambda n: _n("{count} good part would now pass", "{count} good parts would now pass", n),
    (UNKNOWN, PASSED): lambda n: _n(
        "{count} part that nobody has decided on would now pass",
        "{count} parts that nobody has decided on would now pass",
        n,
    ),
    (UNKNOWN, STOPPED): lambda n: _n(
        "{count} part that nobody has decided on would now be stopped",
        "{count} parts that nobody has decided on would now be stopped",
        n,
    ),
}


def _describe_scope(replay: Replay) -> str:
    parts = [_describe_judge(replay.after)]
    if replay.before is not None:
        parts.append(_("in use: {judge}", judge=_describe_judge(replay.before)))
    parts.append(_n("{count} recent inspection", "{count} recent inspections", replay.n_inspections))
    parts.append(_n("{count} labelled image", "{count} labelled images", replay.n_images))
    parts.append(_("compared in {seconds} s", seconds=number(replay.seconds, 1)))
    return " · ".join(parts)


def _describe_judge(judge: Judge) -> str:
    return _(
        "version {number} (Review from {review_at}, NG from {reject_at})",
        number=judge.number,
        review_at=score(judge.review_at),
        reject_at=score(judge.reject_at),
    )


def _show_notes(replay: Replay) -> None:
    """Say what was not compared, and why."""
    if replay.n_inspections == 0:
        st.caption(_("This product has no inspections yet: only labelled images were compared."))
    if replay.is_sample:
        st.caption(
            _(
                "Of {all} labelled images, {count} were compared: an even sample of every type.",
                all=number(replay.n_labeled),
                count=number(replay.n_images),
            )
        )
    if replay.learned_from:
        st.caption(
            _n(
                "{count} image is left out: a version has learned from it, and kept no score from before that.",
                "{count} images are left out: a version has learned from them, and kept no score from before that.",
                replay.learned_from,
            )
        )
    if replay.unreadable:
        lines = [
            f"- {escape(one.name)}: {reason_sentence(one.error.code, {**one.error.params, 'name': one.name})}"
            for one in replay.unreadable[:_MOST_NAMED]
        ]
        rest = len(replay.unreadable) - len(lines)
        if rest > 0:
            lines.append("- " + _n("and {count} more", "and {count} more", rest))
        title = _n(
            "{count} image could not be read and is not compared",
            "{count} images could not be read and are not compared",
            len(replay.unreadable),
        )
        with st.expander(title, icon=":material/broken_image:"):
            st.markdown("\n".join(lines))


def _show_known(replay: Replay) -> None:
    """Show how many of each known outcome are stopped now, and would be."""
    names = {GOOD: _("Good parts"), DEFECT: _("Known defects"), UNKNOWN: _("Not decided yet")}
    rows = [(name, replay.count_stopped(known_as)) for known_as, name in names.items()]
    rows = [(name, counts) for name, counts in rows if counts.total]
    if not rows:
        return
    table = {
        _("Stopped (Review, NG)"): [name for name, _counts in rows],
        _("Compared"): [str(c.total) for _name, c in rows],
    }
    if replay.before is not None:
        table[_("In use")] = [str(counts.before) for _name, counts in rows]
    table[_after_title(replay)] = [f"**{counts.after}**" for _name, counts in rows]
    st.table(table, border="horizontal", hide_index=True)


def _show_verdicts(replay: Replay) -> None:
    """Show how many images go from which verdict to which."""
    counts = replay.count_verdicts()
    if not counts:
        return
    table = {
        f"{_('In use')} ↓": [_verdict(before) for before in VERDICT_NAMES],
        **{
            f"→ {label_of(VERDICT_NAMES, after)}": [
                _cell(counts.get((before, after), 0), same=before == after) for before in VERDICT_NAMES
            ]
            for after in VERDICT_NAMES
        },
    }
    st.table(table, border="horizontal", hide_index=True)


def _cell(count: int, *, same: bool) -> str:
    return f"**{count}**" if count and not same else str(count)


def _after_title(replay: Replay) -> str:
    if replay.other_thresholds:
        return _("Other thresholds")
    return _("Version {number}", number=replay.after.number)


def _verdict(code: str) -> str:
    return f":{VERDICT_COLORS[code]}[{VERDICT_ICONS[code]} {label_of(VERDICT_NAMES, code)}]"


def show_flips(replay: Replay, *, key: str) -> None:
    """Show the parts whose verdict changes, known outcomes first, a page at a time."""
    flat = [(group, image) for group in replay.groups() for image in group.images]
    if not flat:
        return
    n_pages = -(-len(flat) // _PAGE_SIZE)
    page = 1
    if n_pages > 1:
        page = min(n_pages, int(st.pagination(n_pages, default=1, key=f"{key}_page_{n_pages}") or 1))
    shown = flat[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    thumbnails = read_thumbnails([image.thumbnail_key for _group, image in shown])
    with st.container(key=f"gallery_{key}"):
        for group in dict.fromkeys(group for group, _image in shown):
            color = "red" if group.is_mistake else "gray"
            st.markdown(f"**{_(group.name)}** :{color}-badge[{len(group.images)}]")
            images = [image for owner, image in shown if owner is group]
            for start in range(0, len(images), _COLUMNS):
                for column, image in zip(st.columns(_COLUMNS), images[start : start + _COLUMNS], strict=False):
                    with column:
                        _show_one(replay, image, group.images, thumbnails.get(image.thumbnail_key), key=key)


def _show_one(
    replay: Replay, image: ComparedImage, group: Sequence[ComparedImage], thumbnail: bytes | None, *, key: str
) -> None:
    show_thumbnail(thumbnail, alt=image.name)
    assert image.before is not None
    assert replay.before is not None
    st.markdown(_describe_judgment(image.before, replay.before))
    st.markdown(f"→ {_describe_judgment(image.after, replay.after)}")
    st.caption(f"{escape(image.name)}  \n{_describe_outcome(image)}")
    where = _("Inspection no. {number}", number=image.id) if image.kind == INSPECTION else _("Labelled image")
    st.button(
        _("Show"),
        key=f"{key}_open_{image.kind}_{image.id}",
        help=where,
        icon=":material/open_in_new:",
        on_click=_open,
        args=(image.kind, image.id, [one.id for one in group if one.kind == image.kind]),
        width="stretch",
    )


def _describe_judgment(judgment: Judgment, judge: Judge) -> str:
    """Return the verdict and the score beside the threshold that it reached, or stayed below."""
    if judgment.verdict == "reject":
        beside = f"≥ {score(judge.reject_at)}"
    elif judgment.verdict == "review":
        beside = f"≥ {score(judge.review_at)}"
    else:
        beside = f"< {score(judge.review_at)}"
    return f"{_verdict(judgment.verdict)} {score(judgment.score)} {escape(beside)}"


def _describe_outcome(image: ComparedImage) -> str:
    outcome = image.outcome
    if outcome is None:
        return _("Nobody has decided yet")
    said = _("Good part")
    if outcome.is_defect:
        said = _("Defect") if outcome.defect_type is None else escape(defect_name(outcome.defect_type))
    if outcome.said_by == LABEL:
        return _("Labelled: {outcome}", outcome=said)
    return _("Decided by a person: {outcome}", outcome=said)


def _open(kind: str, number: int, neighbors: list[int]) -> None:
    """Open a curated image in the place of this dialog, or note the inspection that the next run goes to."""
    if kind == INSPECTION:
        close_dialog()
        st.session_state[_GO_TO] = number
    else:
        open_dialog(OPEN_IMAGE, walk=ListWalk(neighbors, neighbors.index(number)))


def follow_opened() -> None:
    """Go to the inspection that was opened, on *Inspect a part*."""
    inspection_id = st.session_state.pop(_GO_TO, None)
    if inspection_id is not None:
        clear_result()
        st.switch_page(screens.INSPECT_PART, query_params={"inspection": str(inspection_id)})
