"""Roles and uses of a plan in words."""

from __future__ import annotations

from core.errors import describe
from core.i18n import N_
from core.image_imports.exports import SPLIT_NAMES
from core.images.imports.records import DEFECT, LEFT_OUT, MASK, NORMAL, UNDECIDED
from core.images.imports.roles import read_role
from pages.components.shared.language import _, language

USE_NAMES: dict[str, str] = {
    NORMAL: N_("Good parts"),
    DEFECT: N_("Defect"),
    MASK: N_("Masks"),
    LEFT_OUT: N_("Left out"),
    UNDECIDED: N_("Not decided"),
}
# Set apart by shape, not by color alone.
USE_SIGNS: dict[str, str] = {NORMAL: "●", DEFECT: "▲", MASK: "◧", LEFT_OUT: "✕", UNDECIDED: "?"}
ROLE_ICONS: dict[str, str] = {
    NORMAL: ":material/check_circle:",
    DEFECT: ":material/broken_image:",
    MASK: ":material/select_all:",
    LEFT_OUT: ":material/block:",
}
# Where the whole upload lies, folders aside.
TOP = N_("(top)")


def name_use(kind: str) -> str:
    """Return what images of this use are, with its sign."""
    return f"{USE_SIGNS[kind]} {_(USE_NAMES[kind])}"


def name_folder(path: str) -> str:
    """Return the path of a folder; words for the top."""
    return path or _(TOP)


def name_role(text: str) -> str:
    """Return what a role means, for a button."""
    role = read_role(text)
    if role.is_list:
        return _("Read this list")
    if role.kind == DEFECT:
        return (
            _("Defect: {name}", name=role.defect_name) if role.defect_name else _("Defects, named by their file names")
        )
    if role.kind == LEFT_OUT:
        return _("Leave out")
    if role.kind == NORMAL:
        return _("Good parts")
    if role.kind == MASK:
        return _("Masks")
    if role.product:
        return _("Product: {name}", name=role.product)
    return label_split(role.split) or text


def icon_of_role(text: str) -> str | None:
    """Return the icon of a role's button."""
    return ROLE_ICONS.get(read_role(text).kind)


def label_split(split: str) -> str:
    """Return the name of a split."""
    return _(SPLIT_NAMES[split]) if split in SPLIT_NAMES else ""


def say_reason(code: str, **params: object) -> str:
    """Return the sentence of why a folder or file is what it is; nothing where there is none."""
    return describe(code, params, language()) if code else ""
