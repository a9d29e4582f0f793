"""How the views of a product are combined, in the terminal: shown, set from a file, undone, with its effect."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog import products
from core.cli.terminal import language, to_json, write_note, write_out
from core.errors import BadInput, NotFound, describe
from core.fusion.rules import LONGEST_TEXT, parse_rule, rule_to_json, rule_to_yaml
from core.i18n import N_, translate
from core.services import Services, build_services

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from core.fusion.effect import FusionEffect, LabeledParts, ShareOf
    from core.fusion.in_force import ProductFusion
    from core.fusion.records import FusionEntry


def add_fuse(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "fuse",
        help="how the views of a product are combined: show, set, undo",
        description="Without a file, shows the rule that combines the views, and what it makes of the labeled parts. A "
        "file (YAML or JSON; - reads standard input) puts another rule in force from the next inspection on; earlier "
        "inspections keep theirs. Methods: weighted_average (weights: {view: 0.5, ...} or fitted), voting (votes: any, "
        "majority or a number), rule_based (rules: if ct >= 0.5 and rgb < 0.5 then internal).",
    )
    command.add_argument("--product", required=True, metavar="CODE|NAME")
    action = command.add_mutually_exclusive_group()
    action.add_argument("file", nargs="?", metavar="FILE", help="the rule to put in force")
    action.add_argument("--show", action="store_true", help="only show the rule in force (also without a file)")
    action.add_argument("--undo", action="store_true", help="put the rule of before back in force")
    action.add_argument("--history", action="store_true", help="show all rules that there were, the newest first")
    command.add_argument("--reason", default="", metavar="TEXT", help="why; stored with the rule")
    command.add_argument(
        "--try", dest="only_try", action="store_true", help="only say what the file's rule would do; store nothing"
    )
    command.add_argument("--json", action="store_true", help="one JSON object")


def fuse(wanted: argparse.Namespace) -> int:
    """Show how views are combined, or combine them otherwise."""
    from core.fusion.effect import measure_effect, read_labeled_parts
    from core.fusion.in_force import read_fusion
    from core.fusion.saving import fit_weights_of, list_fusion, save_fusion, undo_fusion

    if wanted.only_try and wanted.file is None:
        raise BadInput("thresholds_option_unused", option="--try", needed="FILE")
    services = build_services()
    person = people.command_line_person(services)
    product = products.find_named_product(services, wanted.product)
    now = read_fusion(services, product.id)
    if wanted.history:
        return _show_history(list_fusion(services, product.id), as_json=wanted.json)
    tried = None
    if wanted.file is not None:
        asked = parse_rule(_read(wanted.file), now.entry.views if not now.outdated_rule else _views(now))
        if wanted.only_try:
            tried = fit_weights_of(services, person, product.id, asked.rule) if asked.fit_weights else asked.rule
        else:
            save_fusion(services, person, product.id, asked, reason=wanted.reason, seen_id=None)
    elif wanted.undo:
        undo_fusion(services, person, product.id, reason=wanted.reason, seen_id=None)
    now = read_fusion(services, product.id)
    labeled = read_labeled_parts(services, product.id)
    rule = tried or now.entry.rule
    effect = measure_effect(rule, labeled) if labeled.parts else None
    if wanted.json:
        write_out(to_json(_to_json(services, now, tried, labeled, effect)))
        return 0
    if tried is None:
        write_out(_head(now.entry))
    write_out(rule_to_yaml(rule).rstrip())
    for line in _say_state(now):
        write_note(line)
    for line in _say_effect(labeled, effect):
        write_out(line)
    return 0


def _views(now: ProductFusion) -> Any:
    from core.fusion.records import combined_views

    return combined_views(now.views)


def _read(name: str) -> str:
    try:
        if name == "-":
            return sys.stdin.read(LONGEST_TEXT + 1)
        with Path(name).open(encoding="utf-8-sig") as file:
            return file.read(LONGEST_TEXT + 1)
    except FileNotFoundError as error:
        raise NotFound("fusion_file_missing", path=name) from error
    except UnicodeDecodeError as error:
        raise BadInput("fusion_unreadable", detail="UTF-8") from error
    except OSError as error:
        raise BadInput("path_unreadable", name=Path(name).name) from error


def _show_history(entries: tuple[FusionEntry, ...], *, as_json: bool) -> int:
    if as_json:
        write_out(to_json({"history": [entry_to_json(entry) for entry in entries]}))
        return 0
    for entry in entries:
        write_out(_head(entry))
        write_out(rule_to_yaml(entry.rule).rstrip())
    return 0


def _head(entry: FusionEntry) -> str:
    if not entry.id:
        return f"# {_say(N_('Default: nobody has chosen yet'))}"
    words = [entry.created_at.astimezone().strftime("%Y-%m-%d %H:%M")]
    if entry.is_default:
        words.append(_say(N_("Default: nobody has chosen yet")))
    elif entry.is_recalibrated:
        words.append(_say(N_("Calibrated again by itself, because models had changed")))
    words += [word for word in (translate(language(), entry.saved_by) if entry.saved_by else "", entry.reason) if word]
    return f"# no. {entry.id} · {' · '.join(words)}"


def entry_to_json(entry: FusionEntry) -> dict[str, Any]:
    """Return a rule with who, when and why as plain values."""
    return {
        "id": entry.id,
        "rule": rule_to_json(entry.rule),
        "is_default": entry.is_default,
        "is_recalibrated": entry.is_recalibrated,
        "reason": entry.reason,
        "saved_at": entry.created_at.isoformat(),
        "saved_by": entry.saved_by,
        "n_fitted": entry.n_fitted,
        "calibration": {
            code: {"version": found.number, "origin": found.origin, **found.calibration.to_json()}
            for code, found in entry.calibrations.items()
        },
    }


def _to_json(
    services: Services, now: ProductFusion, tried: Any, labeled: LabeledParts, effect: FusionEffect | None
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "product": now.product.code,
        "views": [{"code": view.code, "found_as": view.found_as, "required": view.is_required} for view in now.views],
        "fusion": entry_to_json(now.entry),
        "stale_views": list(now.stale_views) if now.entry.id else [],
        "unbuilt_views": list(now.unbuilt_views),
        "outdated_rule": now.outdated_rule,
        "parts": {
            "origin": labeled.origin,
            "n_good": labeled.n_good,
            "n_defect": labeled.n_defect,
            "n_incomplete": labeled.n_incomplete,
        },
        "effect": None if effect is None else effect.to_json(),
    }
    if tried is not None:
        told["tried"] = rule_to_json(tried)
    return told


def _say_state(now: ProductFusion) -> list[str]:
    lines = []
    if now.outdated_rule:
        lines.append(describe("fusion_outdated", {}, language()))
    elif now.entry.id and now.stale_views:
        lines.append(describe("fusion_stale", {"views": ", ".join(now.stale_views)}, language()))
    if now.unbuilt_views:
        lines.append(describe("fusion_unbuilt", {"views": ", ".join(now.unbuilt_views)}, language()))
    return lines


def _say_effect(labeled: LabeledParts, effect: FusionEffect | None) -> list[str]:
    if effect is None:
        return [describe("fusion_no_parts", {}, language())]

    def share(one: ShareOf) -> str:
        return f"{one.count}/{one.total}" + (f" ({one.rate:.1%})" if one.rate is not None else "")

    code = "fusion_effect_on_test" if labeled.origin == "test" else "fusion_effect_on_fitting"
    lines = [
        describe(
            code,
            {
                "overkill": share(effect.overkill),
                "escape": share(effect.escape),
                "review": share(effect.good_reviewed),
                "named": share(effect.named),
            },
            language(),
        )
    ]
    if effect.auroc is not None:
        views = ", ".join(f"{code} {found:.4f}" for code, found in effect.view_aurocs.items() if found is not None)
        lines.append(f"AUROC {effect.auroc:.4f} ({views})")
    return lines


def _say(msgid: str) -> str:
    return translate(language(), msgid)
