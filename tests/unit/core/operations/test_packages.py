"""What an installation consists of: safe versions everywhere that one is named, and a bill of materials."""

from __future__ import annotations

import importlib.metadata
import json
import warnings
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from core.operations.package_versions import LOWEST_VERSIONS, list_packages, read_numbers
from deploy.sbom import UNKNOWN, make_bill, read_requirements

ROOT = Path(__file__).resolve().parents[4]
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt", "requirements-ray.txt", "requirements-gpu.txt")


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_what_is_installed_is_safe() -> None:
    assert [one for one in list_packages() if not one.ok] == []


def test_what_is_pinned_is_safe() -> None:
    pins = _pins()
    low = {name: pins[name] for name in LOWEST_VERSIONS if name in pins and _is_below(pins[name], name)}
    assert low == {}


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_what_is_demanded_is_safe(file: str) -> None:
    low = {}
    for one in read_requirements(ROOT / file):
        lowest = [part.version for part in one.specifier if part.operator in {">=", "=="}]
        name = canonicalize_name(one.name)
        assert lowest, f"{name} may be of any age"
        if name in LOWEST_VERSIONS and _is_below(lowest[0], name):
            low[name] = lowest[0]
    assert low == {}


def test_every_direct_requirement_is_pinned() -> None:
    pins = _pins()
    names = [canonicalize_name(one.name) for one in read_requirements(ROOT / "requirements.txt")]
    assert [name for name in names if name not in pins] == []


def _is_below(version: str, name: str) -> bool:
    return read_numbers(version) < read_numbers(LOWEST_VERSIONS[name])


def test_the_bill_of_materials_is_valid_and_whole() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = make_bill([ROOT / "requirements.txt"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the validator's own library
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    components = {one["name"]: one for one in bill["components"]}
    for one in read_requirements(ROOT / "requirements.txt"):
        name = canonicalize_name(one.name)
        found = components[name]
        assert found["version"] == importlib.metadata.version(name)
        assert found["purl"] == f"pkg:pypi/{name}@{found['version']}"
    without = [one["name"] for one in components.values() if not one.get("licenses") or UNKNOWN in str(one["licenses"])]
    assert without == []
    refs = {one["bom-ref"] for one in components.values()} | {"geomsa"}
    assert {one["ref"] for one in bill["dependencies"]} == refs
    assert bill["metadata"]["component"]["name"] == "geomsa"
    # Nothing under a licence that would reach over to the whole product.
    reaching = [name for name, one in components.items() if "AGPL" in str(one["licenses"]).upper()]
    assert reaching == []
