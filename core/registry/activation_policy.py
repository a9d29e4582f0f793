"""What happens to a new version by itself: put into use when it is no worse, and how many older ones are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput
from core.transactions import HasDatabase, reading, writing
from storage.tables import SystemConfig, utc_now

if TYPE_CHECKING:
    from core.access import Person

KEY = "deployment_policy"
# The version in use and the one to roll back to.
FEWEST_KEPT = 2
MOST_KEPT = 100
REVIEW_SHARE = 0.02
LEAST_REVIEW, MOST_REVIEW = 0.001, 0.2
_NAMES = ("activate_when_no_worse", "kept_versions", "review_share")


@dataclass(frozen=True)
class DeploymentPolicy:
    """The setting; `kept_versions` counts per product, kind and part. `row_version` 0: nobody has changed it yet.

    `review_share` is the share of good parts that thresholds without defects may send to a person.
    """

    activate_when_no_worse: bool = True
    kept_versions: int = 5
    review_share: float = REVIEW_SHARE
    row_version: int = 0


def read_policy(session: Session) -> DeploymentPolicy:
    """Return the policy in force."""
    row = session.get(SystemConfig, KEY)
    if row is None:
        return DeploymentPolicy()
    kept = {name: row.value[name] for name in _NAMES if name in row.value}
    return DeploymentPolicy(**kept, row_version=row.row_version)


def current_policy(services: HasDatabase) -> DeploymentPolicy:
    """Return the same for a caller without a session."""
    with reading(services) as session:
        return read_policy(session)


def save_policy(
    services: HasDatabase,
    person: Person,
    *,
    activate_when_no_worse: bool,
    kept_versions: int,
    review_share: float | None = None,
    row_version: int,
) -> DeploymentPolicy:
    """Change the policy that was seen in the state `row_version`; it holds from the next build on.

    `review_share` None leaves it as it is. Raises NotAllowed, BadInput(`kept_versions_invalid`,
    `review_share_invalid`) and Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    if isinstance(kept_versions, bool) or not FEWEST_KEPT <= kept_versions <= MOST_KEPT:
        raise BadInput("kept_versions_invalid", lowest=FEWEST_KEPT, highest=MOST_KEPT)
    if review_share is not None and not LEAST_REVIEW <= review_share <= MOST_REVIEW:
        raise BadInput("review_share_invalid", lowest=100 * LEAST_REVIEW, highest=100 * MOST_REVIEW)
    with writing(services) as session:
        before = read_policy(session)
        if before.row_version != row_version:
            raise stale_save(session, subject_type=KEY, subject_id=0, row_version=row_version)
        value: dict[str, Any] = {
            "activate_when_no_worse": activate_when_no_worse,
            "kept_versions": kept_versions,
            "review_share": before.review_share if review_share is None else review_share,
        }
        changes = find_changes({name: getattr(before, name) for name in value}, value)
        if not changes:
            return before
        row = session.get(SystemConfig, KEY) or SystemConfig(key=KEY, row_version=0)
        row.value, row.updated_at, row.updated_by = value, utc_now(), person.id
        row.row_version += 1
        session.add(row)
        record(session, person, "deployment_policy.changed", KEY, 0, row_version=row.row_version, changes=changes)
        session.commit()
        return DeploymentPolicy(**value, row_version=row.row_version)
