"""Write the bill of materials: every package that an installation brings, with version, licence and what needs it.

    python deploy/sbom.py [--out build/sbom.json] [--requirements requirements.txt …]

CycloneDX 1.6 as JSON. It is made from what is installed and not kept in the repository: it belongs to a build.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
VERSION = SchemaVersion.V1_6
_LONGEST_LICENSE = 80
UNKNOWN = "LicenseRef-unknown"
# What a package does not say of itself.
_KNOWN = {"cuda-toolkit": "NVIDIA CUDA Toolkit EULA"}


def main(arguments: list[str] | None = None) -> int:
    """Write the file; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "sbom.json")
    parser.add_argument("--requirements", type=Path, nargs="+", default=[ROOT / "requirements.txt"])
    wanted = parser.parse_args(arguments)
    text = make_bill(wanted.requirements)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    wanted.out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{wanted.out}\n")
    return 0


def make_bill(files: Iterable[Path]) -> str:
    """Return the bill as JSON. Raises PackageNotFoundError for a requirement that is not installed."""
    licenses = LicenseFactory()
    bill = Bom()
    product = Component(name="geomsa", version=_product_version(), type=ComponentType.APPLICATION, bom_ref="geomsa")
    bill.metadata.component = product
    direct = [one for file in files for one in read_requirements(file)]
    components: dict[NormalizedName, Component] = {}
    needs: dict[NormalizedName, set[NormalizedName]] = {}
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in direct]
    seen: set[tuple[NormalizedName, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found = importlib.metadata.distribution(name)
        if name not in components:
            components[name] = _describe(found, name, licenses)
        for one in _needed_by(found, extras):
            try:
                importlib.metadata.distribution(one.name)
            except importlib.metadata.PackageNotFoundError:
                continue  # left out on purpose, as the build of OpenCV that nothing needs
            other = canonicalize_name(one.name)
            needs.setdefault(name, set()).add(other)
            waiting.append((other, frozenset(one.extras)))
    for component in components.values():
        bill.components.add(component)
    bill.register_dependency(product, [components[canonicalize_name(one.name)] for one in direct])
    for needing, component in components.items():
        bill.register_dependency(component, [components[other] for other in sorted(needs.get(needing, ()))])
    return make_outputter(bill, OutputFormat.JSON, VERSION).output_as_string(indent=1) + "\n"


def read_requirements(file: Path) -> list[Requirement]:
    """Return what a file demands on this machine, other files that it names included."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if text.startswith("-r "):
            found += read_requirements(file.parent / text[3:].strip())
        elif text:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate():
                found.append(one)
    return found


def name_license(found: Distribution) -> str:
    """Return the licence of a package: its SPDX expression, classifiers or own first line; UNKNOWN without."""
    told = found.metadata
    if expression := _read(found, "License-Expression"):
        return expression
    classified = [
        line.rpartition(" :: ")[2].strip()
        for line in told.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    if classified:
        return " / ".join(sorted(set(classified)))
    for own in (_read(found, "License"), *_license_files(found)):
        first = next((" ".join(line.split()) for line in own.splitlines() if line.strip()), "")
        if first and first != "UNKNOWN" and len(first) <= _LONGEST_LICENSE:
            return first
    return _KNOWN.get(canonicalize_name(told["Name"]), UNKNOWN)


def _read(found: Distribution, field: str) -> str:
    return str((found.metadata.get_all(field) or [""])[0] or "")


def _license_files(found: Distribution) -> Iterable[str]:
    for file in found.files or []:
        if file.name.upper().startswith("LICENSE") and ".dist-info" in str(file):
            yield file.read_text(encoding="utf-8")


def _describe(found: Distribution, name: str, licenses: LicenseFactory) -> Component:
    text = name_license(found)
    # An expression stands alone in its list; anything else is the licence's name in words.
    known = licenses.make_from_string(text) if _read(found, "License-Expression") else DisjunctiveLicense(name=text)
    return Component(
        name=name,
        version=found.version,
        type=ComponentType.LIBRARY,
        licenses=[known],
        purl=PackageURL("pypi", name=name, version=found.version),
        bom_ref=f"{name}@{found.version}",
        description=_read(found, "Summary")[:200] or None,
    )


def _needed_by(found: Distribution, extras: frozenset[str]) -> Iterable[Requirement]:
    for text in found.requires or []:
        try:
            one = Requirement(text)
        except InvalidRequirement:
            continue
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield one


def _product_version() -> str:
    found = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "0"


if __name__ == "__main__":
    sys.exit(main())
