"""What a rule would make of labeled parts, beside what the rule in force makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.views import name_view
from core.fusion.effect import TEST, measure_effect
from pages.components.shared import screens
from pages.components.shared.language import _, language, number, percent

if TYPE_CHECKING:
    from core.fusion.effect import FusionEffect, LabeledParts, ShareOf
    from core.fusion.in_force import ProductFusion
    from inference.vision.comparison.fusion import FusionRule


def show_effect(found: ProductFusion, rule: FusionRule | None, labeled: LabeledParts) -> None:
    """Draw the counts at the rule in the form, with how they differ from the rule in force."""
    st.subheader(_("Effect on labeled parts"))
    if not labeled.parts and found.unbuilt_views:
        st.caption(_("Stands here as soon as every view has a model."))
        return
    if not labeled.parts:
        st.info(
            _(
                "No labeled part was taken in all required views, so nothing says what the rule would do. Name the "
                "parts of the images on Normal images and Defect images."
            ),
            icon=":material/category:",
        )
        screens.link_to(screens.NORMAL_IMAGES, _("Normal images"))
        return
    said = _("{good} good and {defects} defective parts", good=number(labeled.n_good), defects=number(labeled.n_defect))
    if labeled.n_incomplete:
        said += " · " + _(
            "{count} without a picture of every required view left out", count=number(labeled.n_incomplete)
        )
    st.caption(said)
    if labeled.origin != TEST:
        st.warning(
            _(
                "There are no test parts: these are the parts that the probabilities were fitted to. Expect "
                "worse on new ones."
            ),
            icon=":material/science:",
        )
    if rule is None:
        return
    effect, before = measure_effect(rule, labeled), measure_effect(found.entry.rule, labeled)
    _show_shares(effect, before)
    _show_aurocs(found, effect)


def _show_shares(effect: FusionEffect, before: FusionEffect) -> None:
    told = (
        ("escape", _("Escape"), _("Defective parts judged OK"), "inverse"),
        ("overkill", _("Overkill"), _("Good parts judged NG"), "inverse"),
        ("good_reviewed", _("Good parts to a person"), _("Good parts judged Review"), "inverse"),
        (
            "named",
            _("Named rightly"),
            _("Stopped parts whose words (internal, external, combined) are right"),
            "normal",
        ),
    )
    for start in (0, 2):
        for column, (name, title, help_text, color) in zip(st.columns(2), told[start : start + 2], strict=True):
            now: ShareOf = getattr(effect, name)
            change = now.count - getattr(before, name).count
            column.metric(
                title,
                f"{now.count} / {now.total}" if now.total else "–",
                delta=f"{change:+d}" if change else None,
                delta_color=color,  # type: ignore[arg-type]
                help=help_text,
                border=True,
            )
            if now.low is not None and now.high is not None and now.rate is not None:
                column.caption(
                    _(
                        "{share} (95 % confidence: {low} to {high})",
                        share=percent(now.rate),
                        low=percent(now.low),
                        high=percent(now.high),
                    )
                )


def _show_aurocs(found: ProductFusion, effect: FusionEffect) -> None:
    if effect.auroc is None:
        return
    rows = {_("All views combined"): f"**{effect.auroc:.4f}**"}
    rows |= {
        name_view(view, language()): "–" if (value := effect.view_aurocs.get(view.code)) is None else f"{value:.4f}"
        for view in found.views
    }
    st.table({_("AUROC on the same parts"): rows}, border="horizontal")
