"""What a verification of the audit log found, as sentences."""

from __future__ import annotations

from core.audit_log.verification import Fault, Verification
from core.errors import describe

_MOST_SAID = 5


def say_fault(fault: Fault, language: str) -> str:
    """Return one fault as a sentence that names the positions."""
    one = fault.first == fault.last
    params = {"first": f"{fault.first:,}", "last": f"{fault.last:,}", "count": f"{fault.first:,}"}
    code = f"audit_{fault.kind}" if one or fault.kind in _WITHOUT_RANGE else f"audit_{fault.kind}_range"
    return describe(code, params, language)


_WITHOUT_RANGE = {"unsealed", "chain", "anchor", "anchor_cut", "cut"}


def say_faults(found: Verification, language: str) -> str:
    """Return the first faults as sentences, and that there are more."""
    said = [say_fault(fault, language) for fault in found.faults[:_MOST_SAID]]
    return " ".join(said) + (" …" if len(found.faults) > _MOST_SAID else "")
