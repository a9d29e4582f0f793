"""What speaks against a version, with the pictures of it, and what the version in use hardly finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.defect_types import list_defect_types
from core.images.library import get_images, read_thumbnails
from core.models.judgment_words import reason_sentence, weak_remedy, weak_sentence
from core.models.judgments import reasons_of
from core.registry.weak_models import weak_spots_in_use
from pages.components.shared.language import _, _n, defect_name, escape, language, score
from pages.components.shared.screens import MODEL_REPORT, link_to
from pages.components.shared.session import may, services, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from core.models.judgments import HoldReason, PassedDefect, WeakSpot
    from storage.tables import ModelVersion

_COLUMNS = 6
_MOST_SHOWN = 24


def describe_reasons(reasons: Sequence[HoldReason]) -> list[str]:
    """Return one sentence for each reason, in the run's language, as Markdown."""
    return [escape(reason_sentence(found, language())) for found in reasons]


def describe_weak(spots: Sequence[WeakSpot], product_id: int) -> list[str]:
    """Return one sentence for each weak spot, the types by their names, as Markdown."""
    names = _name_types(product_id) if spots else {}
    return [escape(weak_sentence(spot, language(), names)) for spot in spots]


def _name_types(product_id: int) -> dict[str, str]:
    return {row.code: defect_name(row) for row in list_defect_types(services(), product_id, include_inactive=True)}


def show_reasons(version: ModelVersion, *, with_pictures: bool = True) -> None:
    """Show why the version waits, and the known defects that it would pass."""
    reasons = reasons_of(version.metrics)
    if not reasons:
        return
    st.markdown("\n".join(f"- {line}" for line in describe_reasons(reasons)))
    passed = [image for found in reasons for image in found.images]
    if with_pictures and passed:
        _show_passed(passed, version.product_id or 0)


def _show_passed(passed: Sequence[PassedDefect], product_id: int) -> None:
    shown, names = passed[:_MOST_SHOWN], _name_types(product_id)
    with showing_errors():
        rows = {row.id: row for row in get_images(services(), [found.image_id for found in shown])}
        thumbnails = read_thumbnails(services(), list(rows.values()))
        for start in range(0, len(shown), _COLUMNS):
            for column, found in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column:
                    if found.image_id in rows:
                        show_thumbnail(thumbnails.get(found.image_id), alt=found.name)
                        st.caption(escape(found.name))
                    else:
                        st.caption(f":material/delete: {escape(found.name)}  \n" + _("deleted since"))
                    kind = names.get(found.defect_type, found.defect_type)
                    scores = f"{score(found.active_score)} → {score(found.score)}"
                    st.caption(f"**{escape(kind)}** · {scores}")
    rest = len(passed) - len(shown)
    if rest > 0:
        st.caption(_n("and {count} more", "and {count} more", rest))


def show_weak_notice(product_id: int) -> None:
    """Show engineers in one line what the model in use hardly finds; what to do about it is a click away."""
    if not may(ENGINEER):
        return
    spots: tuple[WeakSpot, ...] = ()
    with showing_errors():
        spots = weak_spots_in_use(services(), product_id)
    if not spots:
        return
    names = _name_types(product_id)
    types = ", ".join(names.get(spot.defect_type, spot.defect_type) for spot in spots if spot.defect_type)
    text = _("This model hardly finds the defects of its test images. An OK says little.")
    if types:
        text = _("This model hardly finds: {types}. An OK says little about them.", types=escape(types))
    with st.container(horizontal=True, vertical_alignment="center", key="weak_on_test"):
        st.markdown(f":orange[:material/warning:] {text}", width="stretch")
        with st.popover(_("What to do"), key="weak_on_test_more"):
            st.markdown("\n".join(f"- {line}" for line in describe_weak(spots, product_id)))
            st.markdown(escape(weak_remedy(spots, language())))
            link_to(MODEL_REPORT, _("Model report"), query={"product": str(product_id)})
