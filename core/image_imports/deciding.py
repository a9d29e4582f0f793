"""What a person changes about folders of a plan, written as the roles of `core.images.imports.roles`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.errors import BadInput
from core.images.imports.records import DEFECT, LEFT_OUT, MASK, NORMAL, Use
from core.images.imports.roles import Role, read_role

_WORDS = {NORMAL: "normal", DEFECT: "defect", MASK: "mask", LEFT_OUT: "skip"}


@dataclass(frozen=True)
class Change:
    """What is to be different about a folder; None where it stays as it is."""

    kind: str | None = None
    defect_name: str | None = None
    product: str | None = None
    split: str | None = None
    view: str | None = None
    is_part: bool | None = None


def write_role(role: Role) -> str:
    """Return the text of a role, as `read_role` reads it; empty where nothing is said."""
    pieces = []
    if role.kind == DEFECT and role.defect_name:
        pieces.append(f"defect:{role.defect_name}")
    elif role.kind == NORMAL and role.defect_name:
        pieces.append(f"normal:{role.defect_name}")
    elif role.kind:
        pieces.append(_WORDS[role.kind])
    if role.split:
        pieces.append(role.split)
    if role.product:
        pieces.append(f"product:{role.product}")
    if role.view:
        pieces.append(f"view:{role.view}")
    if role.domain:
        pieces.append(f"domain:{role.domain}")
    if role.is_part:
        pieces.append("part")
    if role.is_list:
        pieces.append("list")
    return "/".join(pieces)


def change_role(decided: str, use: Use, change: Change) -> str:
    """Return the role of a folder that is `decided` (a role, or empty) and used so now, with the change.

    Raises BadInput import_role_unknown where a name holds a character that roles are divided by.
    """
    for name in (change.defect_name, change.product, change.view):
        if name is not None and "/" in name:
            raise BadInput("import_role_unknown", role=name)
    role = read_role(decided) if decided else Role()
    kind = change.kind
    if kind is None and change.defect_name is not None:
        kind = DEFECT  # a type was named: that is what it shows
    if kind is not None:
        name = (change.defect_name if change.defect_name is not None else use.defect_name) if kind == DEFECT else ""
        role = replace(role, kind=kind, defect_name=name.strip())
    if change.split is not None:
        role = replace(role, split=change.split)
    if change.product is not None:
        role = replace(role, product=change.product.strip())
    if change.view is not None:
        role = replace(role, view=change.view.strip() or None)
    if change.is_part is not None:
        role = replace(role, is_part=change.is_part)
    return write_role(role)


def change_folders(
    decisions: Mapping[str, str], uses: Mapping[str, Use], changes: Mapping[str, Change]
) -> dict[str, str]:
    """Return the answers for `change_draft`: the roles of these folders with their changes.

    Raises BadInput import_role_unknown.
    """
    return {path: change_role(decisions.get(path, ""), uses[path], change) for path, change in changes.items()}
