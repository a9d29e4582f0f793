"""New normal images of an import beside what the models in use know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, require_role
from core.catalog import products
from core.cli.terminal import StatusLine, language, name_some, write_note
from core.errors import describe

if TYPE_CHECKING:
    from core.access import Person
    from core.images.imports.folder_import import ImportSummary
    from core.services import Services


def check_imported(services: Services, person: Person, summary: ImportSummary, status: StatusLine) -> dict[str, Any]:
    """Have the models in use look at the new normal images, say what they find, and return the counts for the line.

    Raises NotAllowed.
    """
    from core.inspections.normal_check import NO_MODEL, check_new_normals

    require_role(services, person, ENGINEER)
    added = [
        outcome.image_id
        for outcome in summary.outcomes
        if outcome.outcome == "added" and outcome.image_id is not None and "mask" not in outcome.notes
    ]
    lang = language()
    n_checked, suspected = 0, list[str]()
    for code in summary.products if added else ():
        check = check_new_normals(
            services,
            person,
            products.find_product(services, code).id,
            added,
            progress=lambda done, total: status.show("comparing with the model in use", f"{done}/{total}"),
        )
        status.clear()
        n_checked += check.n_checked
        names = [found.name for found in check.suspected]
        suspected += names
        if names:
            told = {"product": code, "found": len(names), "count": check.n_checked, "names": name_some(names)}
            write_note(describe("images_unlike_others", told, lang))
        if check.error is not None:
            write_note(f"{code}: {check.error.sentence(lang)}")
        elif check.reason and check.reason != NO_MODEL:
            write_note(describe(f"intake_check_{check.reason}", {"product": code}, lang))
    return {"checked": n_checked, "suspected": suspected}
