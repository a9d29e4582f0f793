"""What a person alone does with a draft: change it, discard it, and confirm it, which starts the training.

None of this is a tool: whatever a message or a model says, a training starts here and nowhere else.
"""

from __future__ import annotations

from core.access import ENGINEER, Person, require_role
from core.assistant.conversations import get_own_turn
from core.assistant.drafting.draft import ASKING, CONFIRMED, DISCARDED, OPEN, Draft
from core.assistant.drafting.making import draft_of_yaml
from core.assistant.records import Turn
from core.assistant.tools.contract import open_context
from core.audit import record
from core.errors import AppError, Conflict, NotReady
from core.services import Services
from core.transactions import reading, writing
from storage.tables import ConversationTurn


def confirm_draft(services: Services, person: Person, turn_id: int, *, row_version: int) -> int:
    """Start the training of a draft, once; return the number of its run.

    `row_version` is the state of the draft that the person saw. Raises NotAllowed, NotFound(`conversation_unknown`),
    Conflict(`assistant_draft_changed`, `assistant_draft_over`), NotReady(`assistant_draft_not_ready`), and what
    starting a run raises: the draft waits again then.
    """
    require_role(services, person, ENGINEER)
    from core.training.configuration.reading import read_configuration
    from core.training.runs.starting import start_run

    with writing(services) as session:
        row = get_own_turn(session, person, turn_id)
        draft = _waiting(row, row_version)
        if not draft.is_ready:
            raise NotReady("assistant_draft_not_ready")
        configuration = read_configuration(draft.configuration)
        # Taken before it is started: a second click, or another tab, finds it confirmed.
        row.draft_state = CONFIRMED
        row.row_version += 1
        taken = row.row_version
        session.add(row)
        record(session, person, "assistant.confirm", "conversation_turn", row.id, product=configuration.product)
        session.commit()
    try:
        run_id: int = start_run(services, person, configuration)
    except BaseException:
        _give_back(services, turn_id, taken)
        raise
    with writing(services) as session:
        found = session.get(ConversationTurn, turn_id)
        if found is not None:
            found.training_run_id = run_id
            found.row_version += 1
            session.add(found)
            session.commit()
    return run_id


def discard_draft(services: Services, person: Person, turn_id: int, *, row_version: int) -> Turn:
    """Put a draft away. Raises NotAllowed, NotFound and Conflict as `confirm_draft`."""
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        row = get_own_turn(session, person, turn_id)
        _waiting(row, row_version)
        row.draft_state = DISCARDED
        row.row_version += 1
        session.add(row)
        session.commit()
        return Turn.from_row(row)


def change_draft(services: Services, person: Person, turn_id: int, text: str, *, row_version: int) -> Turn:
    """Put a configuration in YAML in the place of the draft's; what differs counts as said.

    Raises NotAllowed, NotFound and Conflict as `confirm_draft`, BadInput for a text that is no configuration.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        before = _waiting(get_own_turn(session, person, turn_id), row_version)
    draft = draft_of_yaml(open_context(services, person, "en"), text, before)
    with writing(services) as session:
        row = get_own_turn(session, person, turn_id)
        _waiting(row, row_version)
        row.draft = draft.to_json()
        row.draft_state = OPEN
        row.row_version += 1
        session.add(row)
        session.commit()
        return Turn.from_row(row)


def _waiting(row: ConversationTurn, row_version: int) -> Draft:
    if row.draft_state not in (OPEN, ASKING):
        raise Conflict("assistant_draft_over")
    if row.row_version != row_version:
        raise Conflict("assistant_draft_changed")
    return Draft.from_json(row.draft)


def _give_back(services: Services, turn_id: int, taken: int) -> None:
    """Let the draft wait again: its training was not started."""
    try:
        with writing(services) as session:
            row = session.get(ConversationTurn, turn_id)
            if row is not None and row.row_version == taken:
                row.draft_state = OPEN
                row.row_version += 1
                session.add(row)
                session.commit()
    except AppError:
        # What went wrong first is what the person is told.
        return
