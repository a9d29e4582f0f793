"""The form of the rule that combines views: the same object as its YAML text, which can be taken over here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.catalog.views import name_view
from core.errors import AppError, BadInput
from core.fusion.effect import propose_thresholds
from core.fusion.records import combined_views
from core.fusion.rules import METHOD_NAMES, OUTCOME_WORDS, format_rule, parse_rule, read_rule, rule_to_yaml
from core.fusion.saving import fit_weights_of
from pages.components.shared.language import _, escape, language, percent
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.fusion.effect import LabeledParts
    from core.fusion.in_force import ProductFusion
    from inference.vision.comparison.fusion import FusionRule

_ERROR = "fusion_form_error"
_STEP = 0.01


def key_of(found: ProductFusion, name: str) -> str:
    """Return the key of a widget: of this product and of the rule in force, so that another one begins anew."""
    return f"fusion_{found.product.id}_{found.entry.id}_{name}"


def show_form(found: ProductFusion, labeled: LabeledParts) -> FusionRule | None:
    """Draw the form; return the rule that it describes, None (with the reason shown) where there is none."""
    _fill(found, found.entry.rule, only_missing=True)
    method = _choose_method(found)
    if method == "voting":
        _ask_votes(found)
    elif method == "weighted_average":
        _ask_weights(found)
    else:
        _ask_rules(found)
    _ask_thresholds(found, labeled, method)
    error: AppError | None = st.session_state.pop(_ERROR, None)
    if error is not None:
        show_error(error)
    try:
        rule = _read(found)
    except AppError as wrong:
        show_error(wrong)
        rule = None
    _show_text(found, rule)
    return rule


def _choose_method(found: ProductFusion) -> str:
    names = {code: _(title) for code, title in METHOD_NAMES.items()}
    chosen = st.segmented_control(
        _("How the views are combined"),
        list(names),
        key=key_of(found, "method"),
        required=True,
        format_func=lambda code: names[code],
        width="stretch",
    )
    return chosen or "voting"


def _ask_votes(found: ProductFusion) -> None:
    count = len(found.views)
    names: dict[str, str] = {"any": _("Any view that finds a defect"), "majority": _("More than half of the views")}
    names |= {str(number): _("At least {k} of {n} views", k=number, n=count) for number in range(2, count + 1)}
    st.selectbox(
        _("A part is defective where"), list(names), key=key_of(found, "votes"), format_func=lambda code: names[code]
    )
    st.caption(_("The combined probability is that of the view whose vote decides."))


def _ask_weights(found: ProductFusion) -> None:
    columns = st.columns(min(4, len(found.views)))
    for place, view in enumerate(found.views):
        columns[place % len(columns)].number_input(
            _("Weight of {view}", view=escape(name_view(view, language()))),
            min_value=0.0,
            max_value=100.0,
            step=0.05,
            format="%.4g",
            key=key_of(found, f"weight_{view.code}"),
        )

    def fit() -> None:
        try:
            rule = fit_weights_of(services(), person(), found.product.id, found.entry.rule)
        except AppError as error:
            st.session_state[_ERROR] = error
            return
        for view in found.views:
            st.session_state[key_of(found, f"weight_{view.code}")] = rule.weights.get(view.code, 0.0)

    st.button(_("Fit to labeled parts"), key=key_of(found, "fit"), icon=":material/auto_fix_high:", on_click=fit)
    st.caption(_("A defect that one view alone shows is thinned by the others: mind the escapes below."))


def _ask_rules(found: ProductFusion) -> None:
    codes = ", ".join(f"`{view.code}`" for view in found.views)
    st.text_area(
        _("Rules, one a line; the first that holds decides"),
        key=key_of(found, "rules"),
        height=130,
        placeholder="if ct >= 0.5 and rgb < 0.5 then internal",
    )
    names = {code: _(title) for code, title in OUTCOME_WORDS.items()}
    st.selectbox(
        _("Otherwise the part is"),
        ["good", "review"],
        key=key_of(found, "otherwise"),
        format_func=lambda code: names[code],
    )
    outcomes = ", ".join(f"`{code}` {word}" for code, word in names.items())
    st.caption(_("Views: {codes}. Outcomes: {outcomes}.", codes=codes, outcomes=outcomes))
    st.button(
        _("Write the usual rules"),
        key=key_of(found, "usual"),
        icon=":material/edit_note:",
        on_click=_write_usual_rules,
        args=(found,),
    )


def _write_usual_rules(found: ProductFusion) -> None:
    inside = [view.code for view in found.views if view.found_as == "internal"]
    outside = [view.code for view in found.views if view.found_as != "internal"]
    at = f"{float(st.session_state[key_of(found, 'limits')][0]):g}"
    lines = [f"if {one} >= {at} and {other} >= {at} then combined" for one in inside for other in outside]
    lines += [f"if {one} >= {at} then internal" for one in inside]
    lines += [f"if {one} >= {at} then external" for one in outside]
    st.session_state[key_of(found, "rules")] = "\n".join(lines)


def _ask_thresholds(found: ProductFusion, labeled: LabeledParts, method: str) -> None:
    key = key_of(found, "limits")
    st.slider(
        _("Review from, NG from (combined probability)")
        if method != "rule_based"
        else _("A view has found something from the first value on; the rules give the verdict"),
        0.0,
        1.0,
        step=_STEP,
        key=key,
    )
    if method == "rule_based" or not (labeled.n_good and labeled.n_defect):
        return

    def propose() -> None:
        try:
            low, high = propose_thresholds(_read(found), labeled)
        except AppError as error:
            st.session_state[_ERROR] = error
            return
        st.session_state[key] = (max(_STEP, round(low, 2)), max(_STEP, round(high, 2)))

    st.button(
        _("Propose thresholds from labeled parts"),
        key=key_of(found, "propose"),
        icon=":material/auto_fix_high:",
        on_click=propose,
    )


def _show_text(found: ProductFusion, rule: FusionRule | None) -> None:
    with st.expander(_("The same as text (YAML)"), icon=":material/code:"):
        if rule is not None:
            st.code(rule_to_yaml(rule), language="yaml")
        text = st.text_area(
            _("Paste YAML or JSON to take it over into the form"), key=key_of(found, "text"), height=120
        )

        def take() -> None:
            try:
                asked = parse_rule(str(st.session_state[key_of(found, "text")]), combined_views(found.views))
                taken = (
                    fit_weights_of(services(), person(), found.product.id, asked.rule)
                    if asked.fit_weights
                    else asked.rule
                )
            except AppError as error:
                st.session_state[_ERROR] = error
                return
            _fill(found, taken)
            st.session_state[key_of(found, "text")] = ""

        st.button(_("Take over"), key=key_of(found, "take"), disabled=not text.strip(), on_click=take)


def _fill(found: ProductFusion, rule: FusionRule, *, only_missing: bool = False) -> None:
    """Put a rule into the widgets, before they are drawn."""
    values: dict[str, Any] = {
        "method": rule.method,
        "votes": "any" if str(rule.votes) == "1" else str(rule.votes),
        "rules": "\n".join(format_rule(one) for one in rule.rules),
        "otherwise": rule.otherwise if rule.otherwise in {"good", "review"} else "review",
        "limits": (rule.review_at, rule.reject_at),
        **{f"weight_{view.code}": _weight(rule, view.code, len(found.views)) for view in found.views},
    }
    for name, value in values.items():
        key = key_of(found, name)
        # A widget that is not drawn in a run forgets its value: what was typed is kept beside it.
        kept = st.session_state.get(f"{key}_kept", value) if only_missing else value
        if not only_missing or key not in st.session_state:
            st.session_state[key] = kept
        st.session_state[f"{key}_kept"] = st.session_state[key]


def _weight(rule: FusionRule, code: str, count: int) -> float:
    return float(rule.weights.get(code, 0.0)) if rule.weights else round(1.0 / count, 4)


def _read(found: ProductFusion) -> FusionRule:
    state: Mapping[str, Any] = {
        name: st.session_state[key_of(found, name)]
        if key_of(found, name) in st.session_state
        else st.session_state[f"{key_of(found, name)}_kept"]
        for name in ("method", "votes", "rules", "otherwise", "limits")
    }
    low, high = state["limits"]
    values: dict[str, Any] = {"method": state["method"] or "voting", "review_at": low, "reject_at": high}
    if values["method"] == "voting":
        values["votes"] = int(state["votes"]) if str(state["votes"]).isdecimal() else state["votes"]
    elif values["method"] == "weighted_average":
        values["weights"] = {
            view.code: float(st.session_state[key_of(found, f"weight_{view.code}")]) for view in found.views
        }
    else:
        if not str(state["rules"]).strip():
            raise BadInput("fusion_rules_missing")
        values |= {"rules": state["rules"], "otherwise": state["otherwise"]}
    return read_rule(values, combined_views(found.views)).rule


def describe_rule(rule: FusionRule, found: ProductFusion) -> str:
    """Return a rule in one line for a table: its method with what is particular to it, and its thresholds."""
    names = {view.code: name_view(view, language()) for view in found.views}
    if rule.method == "voting":
        words = {"any": _("any view"), "majority": _("majority")}
        detail = words.get(str(rule.votes)) or _("{k} views", k=rule.votes)
    elif rule.method == "weighted_average":
        detail = ", ".join(f"{names.get(code, code)} {weight:.3g}" for code, weight in rule.weights.items()) or _(
            "all weigh the same"
        )
    else:
        detail = " / ".join(format_rule(one) for one in rule.rules)
    limits = f"{percent(rule.review_at)} / {percent(rule.reject_at)}"
    return f"{_(METHOD_NAMES[rule.method])} ({escape(detail)}) · {limits}"
