"""Exporting a trained network in the terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.accounts import people
from core.cli.terminal import to_json, write_out
from core.services import build_services

if TYPE_CHECKING:
    from core.model_exports.making import ModelExport

FORMATS = ("onnx", "openvino")


def add_export_model(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "export-model",
        help="export a trained network for other programs",
        description="Writes a trained network (ONNX, or OpenVINO's format) with preprocessing.json, classes.json, "
        "licenses, a card with figures and limits, eight test vectors, and clients that pass them. Before, the network "
        "is proved: from the bytes of images, ONNX Runtime and OpenVINO must give what it gives here (probabilities to "
        "0.001, the same likeliest class), or the export is refused with the figures.",
        epilog="exit status: 0 written; 1 refused or failed, and nothing is written",
    )
    parser.add_argument("version", metavar="VERSION", help="the id of a trained model version, or run:N")
    parser.add_argument("--format", choices=FORMATS, default="onnx", help="default: onnx")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="a folder that is new or empty")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def export_model(wanted: argparse.Namespace) -> int:
    """Export a trained network into a folder."""
    from core.model_exports.folders import check_target, write_export
    from core.model_exports.making import make_export

    services = build_services(migrate=True, patient=True)
    person = people.command_line_person(services)
    check_target(wanted.to)
    made = make_export(services, person, wanted.version, wanted.format)
    write_export(made, wanted.to)
    if wanted.json:
        write_out(to_json({"path": str(wanted.to), **made.to_json()}))
        return 0
    for line in _describe(made):
        write_out(line)
    write_out(f"{wanted.to}: {len(made.files)} files, {sum(made.files.values())} bytes")
    return 0


def _describe(made: ModelExport) -> list[str]:
    return [
        f"{one['runtime']}  {made.parity['images']} images  max difference {one['max_difference']:.1e}  "
        f"{one['changed']} named otherwise  {one['ms_per_image']:.1f} ms"
        for one in made.parity.get("runtimes", ())
    ]
