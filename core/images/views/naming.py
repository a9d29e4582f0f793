"""Which view of its product an image shows, by a name that a folder, a file, a list or a person gives.

An image of a product with views keeps the code of its view. A name that is none of them stays as it was given, and the
image counts as one without a view.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlmodel import Session

from core.access import ENGINEER, Person, require_role
from core.catalog.edits import make_code
from core.catalog.view_edits import MOST_VIEWS, add_view
from core.catalog.views import View, list_views, read_views
from core.errors import BadInput

if TYPE_CHECKING:
    from core.services import Services

_LONGEST_CODE = 32


class ViewNames:
    """The views of a product, looked up by their codes and names; upper and lower case are alike."""

    def __init__(self, views: Iterable[View]) -> None:
        self._codes: dict[str, str] = {}
        views = tuple(views)
        for view in views:
            self._codes.setdefault(view.code, view.code)
        for view in views:
            for name in (view.name, view.name_en):
                if name.strip():
                    self._codes.setdefault(name.strip().casefold(), view.code)

    @classmethod
    def of(cls, services: Services, product_id: int) -> ViewNames:
        """Return the names of a product's views."""
        return cls(list_views(services, product_id, include_inactive=True))

    @classmethod
    def read(cls, session: Session, product_id: int) -> ViewNames:
        """Do as `of`, inside the caller's transaction."""
        return cls(read_views(session, product_id, include_inactive=True))

    def __bool__(self) -> bool:
        """Return whether the product has, or had, any view."""
        return bool(self._codes)

    def find(self, name: str) -> str | None:
        """Return the code of the view that a name means, or None."""
        return self._codes.get(name.strip().casefold())

    def code_of(self, name: str) -> str:
        """Return the same; the name itself where it means no view."""
        return self.find(name) or name


def settle_view(session: Session, product_id: int, name: str) -> str:
    """Return the code of the view that a person means, inside the caller's transaction; a name stays one without views.

    Raises BadInput image_view_unknown where the product has views, and this is none of them.
    """
    names = ViewNames.read(session, product_id)
    if not name.strip() or not names:
        return name.strip()
    code = names.find(name)
    if code is None:
        known = ", ".join(view.code for view in read_views(session, product_id)) or "–"
        raise BadInput("image_view_unknown", view=name[:40], codes=known)
    return code


def make_views(services: Services, person: Person, product_id: int, names: Iterable[str]) -> tuple[View, ...]:
    """Add the views that the images of an import name and the product has not; return the new ones.

    A product without views gets them only where there are two at least: a single name tells nothing apart. Every new
    view is a color photograph until somebody says otherwise. Raises NotAllowed, BadInput view_too_many.
    """
    require_role(services, person, ENGINEER)
    known = ViewNames.of(services, product_id)
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    missing = [name for name in wanted if known.find(name) is None]
    if not missing or (not known and len(wanted) < 2):
        return ()
    there = list_views(services, product_id, include_inactive=True)
    if len(there) + len(missing) > MOST_VIEWS:
        raise BadInput("view_too_many", highest=MOST_VIEWS)
    taken = {view.code for view in there}
    added = []
    for name in missing:
        code = _free_code(name, taken)
        taken.add(code)
        added.append(add_view(services, person, product_id, code=code, name=name))
    return tuple(added)


def _free_code(name: str, taken: set[str]) -> str:
    stem = (make_code(name) or "view")[:_LONGEST_CODE]
    if stem not in taken and stem != "view":
        return stem
    number = 1
    while (code := f"{stem[: _LONGEST_CODE - 4]}-{number}") in taken:
        number += 1
    return code
