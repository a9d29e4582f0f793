"""What a person says of a folder, a file or a pattern: a role, as `--map FOLDER=ROLE` and the screen write it.

Roles may be joined with `/`:

    normal            images of good parts              train, val, test    the split
    defect:TYPE       images of this defect; TYPE alone  product:CODE        the product, by code or name
    defect            as the file names say             view:NAME           the view that they show
    mask              masks of the images around         part                each folder below is one part
    skip              leave out                          list                read the file as a list of images
    normal:KIND       good parts of this kind            domain:NAME  where they were taken: studio, line or field

TYPE and KIND may be `{folder}`: each folder is called like what its images show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from core.errors import BadInput
from core.images.domains import DOMAINS
from core.images.imports.names import split_path
from core.images.imports.records import DEFECT, LEFT_OUT, MASK, NORMAL

_KINDS = {"normal": NORMAL, "good": NORMAL, "ok": NORMAL, "defect": DEFECT, "mask": MASK, "skip": LEFT_OUT}
_SPLITS = ("train", "val", "test")
LIST = "list"
# Stands for the name of the folder that says what its images show.
FOLDER_NAME = "{folder}"


@dataclass(frozen=True)
class Role:
    """What was said; None or empty where nothing was. `defect_name` of normal images is their kind of good part."""

    kind: str = ""
    defect_name: str = ""
    split: str = ""
    product: str = ""
    view: str | None = None
    is_part: bool = False
    is_list: bool = False
    domain: str = ""

    def over(self, below: Role) -> Role:
        """Return both as one; what this one says counts before the other."""
        return Role(
            self.kind or below.kind,
            self.defect_name if self.kind else below.defect_name,
            self.split or below.split,
            self.product or below.product,
            below.view if self.view is None else self.view,
            self.is_part or below.is_part,
            self.is_list or below.is_list,
            self.domain or below.domain,
        )


def read_role(text: str) -> Role:
    """Return the role that was written. Raises BadInput import_role_unknown (role)."""
    role = Role()
    for piece in text.split("/"):
        word, colon, name = (part.strip() for part in piece.partition(":"))
        lower = word.lower()
        if colon:
            found = {
                "defect": Role(DEFECT, name),
                "normal": Role(NORMAL, name),
                "product": Role(product=name),
                "view": Role(view=name),
                "domain": Role(domain=name.lower()),
            }.get(lower)
            if found is None or not name or (found.domain and found.domain not in DOMAINS):
                raise BadInput("import_role_unknown", role=text)
        elif lower in _KINDS:
            found = Role(_KINDS[lower])
        elif lower in _SPLITS:
            found = Role(split=lower)
        elif lower == "part":
            found = Role(is_part=True)
        elif lower == LIST:
            found = Role(is_list=True)
        elif word:
            found = Role(DEFECT, word)
        else:
            raise BadInput("import_role_unknown", role=text)
        if (found.kind and role.kind) or (found.split and role.split) or (found.product and role.product):
            raise BadInput("import_role_unknown", role=text)
        role = found.over(role)
    return role


def read_mapping(pairs: Mapping[str, str]) -> dict[str, Role]:
    """Return the roles by folder, tidied. Raises BadInput import_role_unknown."""
    return {"/".join(split_path(path)): read_role(role) for path, role in pairs.items()}


def role_of(path: str, roles: Mapping[str, Role]) -> Role:
    """Return what is said of a file: by itself or a pattern first, then by the nearest of the folders around it.

    A pattern has `*` or `?` and is asked of the whole path.
    """
    parts = split_path(path)
    whole = "/".join(parts)
    found = Role()
    for depth in range(len(parts) + 1):
        role = roles.get("/".join(parts[:depth]))
        if role is not None:
            found = role.over(found)
    for pattern, role in roles.items():
        if any(sign in pattern for sign in "*?") and fnmatchcase(whole, pattern):
            found = role.over(found)
    return found


def check_paths(roles: Mapping[str, Role], paths: Iterable[str]) -> None:
    """Refuse a role of a folder or file that is not there: a slip must not be silent. Raises import_folder_missing."""
    known = {""}
    for path in paths:
        parts = split_path(path)
        known.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    for path in roles:
        if path not in known and not any(sign in path for sign in "*?"):
            folders = sorted(found for found in known if found and "/" not in found)
            raise BadInput("import_folder_missing", path=path, folders=", ".join(folders[:10]))
