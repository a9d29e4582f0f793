"""A draft of an import on the screen: questions first, then what becomes of what, and the button that starts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, Conflict
from core.image_imports.drafts import change_draft, discard_draft, load_examples, open_draft
from core.image_imports.starting import start_import
from core.images.imports.records import DEFECT
from pages.components.imports.folder_table import show_folder_table
from pages.components.imports.questions import show_questions
from pages.components.imports.start_form import say_size
from pages.components.imports.wording import label_split, say_reason
from pages.components.shared.language import _, _n, byte_size, escape, language, number
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.image_imports.drafts import ImportDraft
    from core.images.imports.records import ImportPlan

_DRAFT, _EXAMPLES = "import_draft", "import_examples"
_SHARES = (0.0, 0.1, 0.2, 0.3)


def keep_draft(draft: ImportDraft) -> None:
    """Make this the draft of the browser session: it is not read anew at every click."""
    st.session_state[_DRAFT] = draft


def find_shown_draft(import_id: int) -> ImportDraft:
    """Return the draft. Raises as `open_draft`."""
    found = st.session_state.get(_DRAFT)
    if found is None or found.id != import_id:
        found = open_draft(services(), person(), import_id)
        keep_draft(found)
    shown: ImportDraft = found
    return shown


def show_draft(draft: ImportDraft) -> int | None:
    """Draw a draft; return the job that was started with it on this run, 0 where it was thrown away."""
    examples = _read_examples(draft.id)
    thrown_away = _show_head(draft)
    if thrown_away:
        return 0
    # The decision stands above what it is about: a plan of many folders would push it off the screen.
    _show_counts(draft.plan)
    started = _show_start(draft)
    if started is not None:
        return started
    _show_products(draft.plan)
    changed = show_questions(draft, examples) or show_folder_table(draft, examples)
    if changed:
        answer(draft, changed)
    _show_left_out(draft.plan)
    return None


def answer(draft: ImportDraft, answers: dict[str, str]) -> None:
    """Keep what a person decided, and draw the page with it."""
    try:
        keep_draft(
            change_draft(
                services(), person(), draft.id, row_version=draft.row_version, answers=answers, plan=draft.plan
            )
        )
    except Conflict as error:
        # Somebody else was faster: theirs is shown, and this person decides once more.
        st.session_state.pop(_DRAFT, None)
        say_after_rerun(error.sentence(language()), icon=":material/sync_problem:")
    except AppError as error:
        show_error(error)
        return
    st.rerun()


def _read_examples(import_id: int) -> dict[str, bytes]:
    kept = st.session_state.get(_EXAMPLES)
    if kept is None or kept[0] != import_id:
        try:
            kept = (import_id, load_examples(services(), person(), import_id))
        except AppError:
            kept = (import_id, {})  # pictures only make it easier
        st.session_state[_EXAMPLES] = kept
    found: dict[str, bytes] = kept[1]
    return found


def _show_head(draft: ImportDraft) -> bool:
    words, button = st.columns([4, 1], vertical_alignment="center")
    words.markdown(f"**{escape(draft.title)}**  \n{say_size(draft.n_files, byte_size(draft.byte_size))}")
    with button.popover(_("Throw away"), icon=":material/delete:", width="stretch"):
        st.markdown(_("Throw this plan away? What was uploaded for it is deleted; no image has been taken in."))
        if st.button(_("Yes, throw it away"), key="import_discard", type="primary"):
            with showing_errors():
                discard_draft(services(), person(), draft.id)
                st.session_state.pop(_DRAFT, None)
                return True
    return False


def _show_counts(plan: ImportPlan) -> None:
    kinds = Counter(image.kind for image in plan.images)
    lost = sum(found.matters for found in plan.left_out)
    with st.container(horizontal=True, key="import_counts"):
        st.metric(_("Will be taken in"), number(len(plan.images)), width=150)
        st.metric(_("Good parts"), number(kinds["normal"]), width=130)
        st.metric(_("Defects"), number(kinds["defect"]), width=130)
        st.metric(_("With a mask"), number(sum(bool(image.masks) for image in plan.images)), width=130)
        st.metric(_("Questions"), number(len(plan.questions)), width=130)
        st.metric(_("Left out"), number(lost), width=130, help=_("Images that nobody chose to leave out."))


def _show_products(plan: ImportPlan) -> None:
    by_product: defaultdict[str, Counter[str]] = defaultdict(Counter)
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for image in plan.images:
        counts = by_product[image.product]
        counts[image.kind] += 1
        counts[image.split] += 1
        counts["regions"] += bool(image.regions)
        if image.kind == DEFECT:
            types[image.product][image.defect_name] += 1
    lines = []
    for product, counts in sorted(by_product.items()):
        parts = [_n("{count} good part", "{count} good parts", counts["normal"])]
        if counts["defect"]:
            named = ", ".join(f"{escape(name)} {number(count)}" for name, count in types[product].most_common(8))
            more = len(types[product]) - 8
            if more > 0:
                named += " " + _n("and {count} more type", "and {count} more types", more)
            parts.append(_n("{count} defect", "{count} defects", counts["defect"]) + f" ({named})")
        if counts["regions"]:
            parts.append(_n("{count} with marked places", "{count} with marked places", counts["regions"]))
        parts += [f"{label_split(split)} {number(counts[split])}" for split in ("val", "test") if counts[split]]
        lines.append(f"- **{escape(product)}**: " + " · ".join(parts))
    if lines:
        st.markdown("\n".join(lines))


def _show_left_out(plan: ImportPlan) -> None:
    if not plan.left_out:
        return
    groups: defaultdict[tuple[bool, str], list[str]] = defaultdict(list)
    params: dict[tuple[bool, str], dict[str, object]] = {}
    for found in plan.left_out:
        groups[not found.matters, found.reason].append(found.path)
        params.setdefault((not found.matters, found.reason), dict(found.params))
    title = _n("{count} file is left out", "{count} files are left out", len(plan.left_out))
    with st.expander(title, icon=":material/block:", expanded=any(not harmless for harmless, _code in groups)):
        lines = []
        for (harmless, code), paths in sorted(groups.items()):
            first = say_reason(code, **{"name": paths[0], "path": paths[0], **params[harmless, code]})
            more = len(paths) - 1
            sign = "" if harmless else ":orange[▲] "
            rest = " " + _n("So is {count} more.", "So are {count} more.", more) if more else ""
            lines.append(f"- {sign}{escape(first)}{rest}")
        st.markdown("\n".join(lines))


def _show_start(draft: ImportDraft) -> int | None:
    plan = draft.plan
    unnamed = sum(not image.split_named for image in plan.images)
    n_open = sum(question.n_images for question in plan.questions)
    with st.container(border=True, key="import_start"):
        left, right = st.columns([1.4, 1], vertical_alignment="bottom")
        share = 0.0
        if unnamed:
            share = (
                left.selectbox(
                    _("Set apart as test images"),
                    _SHARES,
                    key="import_test_share",
                    format_func=lambda found: _("None") if not found else f"{found:.0%}",
                    help=_(
                        "Of the {count} images whose folder names no split; whole parts. Test images only measure how "
                        "good a model is.",
                        count=number(unnamed),
                    ),
                )
                or 0.0
            )
        elif plan.images:
            left.caption(_("The folders say what is for training, validation and test."))
        label = _n("Import {count} image", "Import {count} images", len(plan.images))
        if n_open:
            left.caption(
                ":orange[▲] "
                + _n(
                    "{count} image is left out while its question is open.",
                    "{count} images are left out while their questions are open.",
                    n_open,
                )
            )
            label = _n(
                "Leave the rest out, import {count} image",
                "Leave the rest out, import {count} images",
                len(plan.images),
            )
        pressed = right.button(
            label,
            key="import_start_button",
            type="primary" if not n_open else "secondary",
            icon=":material/download_for_offline:",
            width="stretch",
            disabled=not plan.images,
        )
    if not pressed:
        return None
    try:
        started = start_import(
            services(),
            person(),
            draft.id,
            row_version=draft.row_version,
            leave_questions_out=bool(n_open),
            test_share=share,
        )
    except Conflict as error:
        st.session_state.pop(_DRAFT, None)
        show_error(error)
        return None
    except AppError as error:
        show_error(error)
        return None
    st.session_state.pop(_DRAFT, None)
    return started
