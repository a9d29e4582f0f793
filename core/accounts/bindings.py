"""Bindings: the products and lines that a line worker, or a program in that role, is bound to.

Reading: `seen_by` gives services that show the rows within the bindings alone, whatever use case asks. Writing: each
use case asks `require_bound` (or `require_bound_in`, inside its transaction) for the product and line it works on.
Engineers and administrators are not bound, whatever rows an account of theirs still has.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import Session, col, delete, select

from core.access import ADMIN, WORKER, Person, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, NotAllowed, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.row_limits import RowLimits
from storage.tables import Product, User, UserBinding

if TYPE_CHECKING:
    from core.services import Services

LINE, PRODUCT = "line", "product"
LONGEST_LINE = 64
MOST_BINDINGS = 100


@dataclass(frozen=True)
class Bindings:
    """What an account is bound to: ids of products, names of lines; None where it is not bound in that kind.

    An empty set of products is what is left when all of them were deleted for good: then nothing may be done.
    """

    products: frozenset[int] | None = None
    lines: frozenset[str] | None = None

    @property
    def is_bound(self) -> bool:
        """Return whether the account is bound at all."""
        return self.products is not None or self.lines is not None

    def fit_line(self, *, product_id: int, line: str) -> str:
        """Return the line to note with a part: where none is named, the only one that the account is bound to.

        Raises NotAllowed product_not_bound, line_not_bound.
        """
        if not line and self.lines is not None and len(self.lines) == 1:
            line = self.sorted_lines[0]
        self.require(product_id, line)
        return line

    def require(self, product_id: int, line: str | None) -> None:
        """Raise NotAllowed unless a part of this product, on this line where one is given, is within the bindings.

        Its codes are product_not_bound and line_not_bound (with the account's lines).
        """
        if self.products is not None and product_id not in self.products:
            raise NotAllowed("product_not_bound")
        if line is not None and self.lines is not None and line not in self.lines:
            raise NotAllowed("line_not_bound", lines=", ".join(self.sorted_lines))

    @property
    def sorted_lines(self) -> tuple[str, ...]:
        """Return the lines in the order in which they are shown; none where the account is not bound to lines."""
        return tuple(sorted(self.lines or ()))


UNBOUND = Bindings()


def bindings_of(services: HasDatabase, person: Person) -> Bindings:
    """Return what binds the person now: nothing unless the account is a line worker's. Raises AppError (database)."""
    with reading(services) as session:
        return bindings_in(session, person.id)


def bindings_in(session: Session, user_id: int) -> Bindings:
    """Return what binds an account, inside the caller's transaction; nothing unless it is a line worker's."""
    query = (
        select(UserBinding.kind, UserBinding.line, UserBinding.product_id)
        .join(User, col(User.id) == col(UserBinding.user_id))
        .where(UserBinding.user_id == user_id, User.role == WORKER)
    )
    return _gather(list(session.exec(query).all()))


def load_bindings(services: HasDatabase, person: Person, user_ids: Collection[int]) -> dict[int, Bindings]:
    """Return the bindings of accounts by their ids, as they are kept; those without any are left out.

    Needs an administrator, or asks of the person's own account alone. Raises NotAllowed.
    """
    require_role(services, person, WORKER if set(user_ids) <= {person.id} else ADMIN)
    query = select(UserBinding).where(col(UserBinding.user_id).in_(list(user_ids)))
    rows: dict[int, list[tuple[str, str, int | None]]] = {}
    with reading(services) as session:
        for row in session.exec(query).all():
            rows.setdefault(row.user_id, []).append((row.kind, row.line, row.product_id))
    return {user_id: _gather(found) for user_id, found in rows.items()}


def seen_by(services: Services, person: Person) -> Services:
    """Return services whose reading shows what the person is bound to alone; the same ones for who is not bound."""
    return limit_services(services, UNBOUND if person.role != WORKER else bindings_of(services, person))


def limit_services(services: Services, bindings: Bindings) -> Services:
    """Return services whose reading shows what is within the bindings alone."""
    if not bindings.is_bound:
        return services
    return replace(services, database=services.database.limited(RowLimits(bindings.products, bindings.lines)))


def require_bound(services: HasDatabase, person: Person, *, product_id: int, line: str | None = None) -> None:
    """Raise unless the person may work on the product and, where it is known, on the line.

    Raises NotAllowed product_not_bound, line_not_bound (with the account's lines).
    """
    if person.role == WORKER:
        bindings_of(services, person).require(product_id, line)


def require_bound_in(session: Session, person: Person, *, product_id: int, line: str | None = None) -> None:
    """Do as `require_bound`, inside the caller's transaction."""
    if person.role == WORKER:
        bindings_in(session, person.id).require(product_id, line)


def fit_line(services: HasDatabase, person: Person, *, product_id: int, line: str) -> str:
    """Return the line to note with a part, as `Bindings.fit_line` of what the person is bound to now."""
    if person.role != WORKER:
        return line
    return bindings_of(services, person).fit_line(product_id=product_id, line=line)


def set_bindings(
    services: HasDatabase,
    person: Person,
    user_id: int,
    *,
    products: Collection[int],
    lines: Collection[str],
    row_version: int | None = None,
) -> Bindings:
    """Bind an account to products and lines; with none of a kind it is not bound in that kind.

    `row_version` is the account's that the administrator saw; None for whoever saw none. Raises NotAllowed; NotFound
    for an unknown account or product; BadInput bindings_for_workers, binding_line_invalid, bindings_too_many; Conflict
    stale_save.
    """
    require_role(services, person, ADMIN)
    wanted_lines = _clean_lines(lines)
    if len(wanted_lines) + len(set(products)) > MOST_BINDINGS:
        raise BadInput("bindings_too_many", highest=MOST_BINDINGS)
    with writing(services) as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("not_found")
        if row_version is not None and user.row_version != row_version:
            raise stale_save(session, subject_type="user", subject_id=user_id, row_version=row_version)
        put_bindings(session, person, user, products=products, lines=wanted_lines)
        session.commit()
        return bindings_in(session, user_id)


def put_bindings(
    session: Session, person: Person, user: User, *, products: Collection[int], lines: Collection[str]
) -> None:
    """Do as `set_bindings` in the caller's transaction, which has checked the right to; the account has an id."""
    wanted_lines, wanted_products = _clean_lines(lines), sorted(set(products))
    if (wanted_lines or wanted_products) and user.role != WORKER:
        raise BadInput("bindings_for_workers")
    known = dict(session.exec(select(Product.id, Product.code).where(col(Product.id).in_(wanted_products))).all())
    if len(known) != len(wanted_products):
        raise NotFound("not_found")
    kept = session.exec(select(UserBinding).where(UserBinding.user_id == user.id)).all()
    before = {
        "lines": sorted(row.line for row in kept if row.kind == LINE),
        "products": _codes(session, [row.product_id for row in kept if row.kind == PRODUCT]),
    }
    changes = find_changes(before, {"lines": wanted_lines, "products": sorted(known.values())})
    if not changes:
        return
    session.execute(delete(UserBinding).where(col(UserBinding.user_id) == user.id))
    session.add_all(UserBinding(user_id=user.id, kind=LINE, line=line) for line in wanted_lines)
    session.add_all(UserBinding(user_id=user.id, kind=PRODUCT, product_id=one) for one in wanted_products)
    user.row_version += 1
    record(
        session, person, "user.bound", "user", user.id, login=user.login, row_version=user.row_version, changes=changes
    )
    session.flush()


def _gather(rows: Collection[tuple[str, str, int | None]]) -> Bindings:
    products = [product_id for kind, _, product_id in rows if kind == PRODUCT]
    lines = [line for kind, line, _ in rows if kind == LINE]
    return Bindings(
        frozenset(one for one in products if one is not None) if products else None,
        frozenset(lines) if lines else None,
    )


def _clean_lines(lines: Collection[str]) -> list[str]:
    cleaned = sorted({" ".join(line.split()) for line in lines} - {""})
    if any(len(line) > LONGEST_LINE for line in cleaned):
        raise BadInput("binding_line_invalid", highest=LONGEST_LINE)
    return cleaned


def _codes(session: Session, product_ids: Collection[int | None]) -> list[str]:
    there = [one for one in product_ids if one is not None]
    found = session.exec(select(Product.code).where(col(Product.id).in_(there))).all()
    # One whose product was deleted for good binds on, and is nothing that could be asked for again.
    return sorted([*found, *("?" for _ in range(len(product_ids) - len(there)))])
