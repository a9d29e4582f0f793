"""Whether an upload under one label holds more than one thing: then a plan serves better than the form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from core.access import ENGINEER, Person, require_role
from core.errors import AppError
from core.images.imports.planning import plan_import
from core.images.imports.sources import source_of
from core.images.incoming import expand_archives
from core.images.records import IncomingFile
from core.services import Services


def holds_several(services: Services, person: Person, files: Sequence[IncomingFile]) -> bool:
    """Return whether the folders of uploaded ZIP files surely name several products or labels; False for no ZIP file.

    What cannot be read is no reason to stop here: it is refused by name when it is taken in.
    """
    require_role(services, person, ENGINEER)
    archives = [file for file in files if PurePosixPath(file.name).suffix.lower() == ".zip"]
    if not archives:
        return False
    try:
        with expand_archives(archives) as (found, _refused):
            inner = len(archives[0].name) + 1 if len(archives) == 1 else 0
            source, _paths = source_of(found, root_name=PurePosixPath(archives[0].name).stem, inner=inner)
            plan = plan_import(source)
    except AppError:
        return False
    return len({(image.product, image.kind, image.defect_name) for image in plan.images}) > 1
