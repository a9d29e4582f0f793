"""Conversations as they are kept: each person's own, to be read, renamed and deleted by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from core.access import WORKER, Person, require_role
from core.assistant.drafting.draft import ASKING, DISCARDED, OPEN, Draft
from core.assistant.offline.understood import Look, Pending
from core.assistant.records import ASSISTANT, PERSON, ConversationHead, ConversationView, Turn, store_results
from core.assistant.results import ToolResult
from core.errors import BadInput, Conflict, NotFound
from core.files.file_names import strip_control
from core.services import Services
from core.transactions import HasDatabase, reading, writing
from storage.tables import Conversation, ConversationTurn, utc_now

LONGEST_TITLE = 120
LONGEST_WORDS = 2000
MOST_TURNS = 200
MOST_LISTED = 50


def list_conversations(services: Services, person: Person) -> list[ConversationHead]:
    """Return the person's newest conversations, the last used first."""
    require_role(services, person, WORKER)
    query = select(Conversation).where(Conversation.created_by == person.id)
    with reading(services) as session:
        rows = session.exec(
            query.order_by(col(Conversation.updated_at).desc(), col(Conversation.id).desc()).limit(MOST_LISTED)
        ).all()
    return [ConversationHead.from_row(row) for row in rows]


def read_conversation(services: Services, person: Person, conversation_id: int) -> ConversationView:
    """Return the conversation with its turns. Raises NotFound(`conversation_unknown`), also for somebody else's."""
    require_role(services, person, WORKER)
    with reading(services) as session:
        row = _get_own(session, person, conversation_id)
        query = select(ConversationTurn).where(ConversationTurn.conversation_id == row.id)
        turns = session.exec(query.order_by(col(ConversationTurn.number))).all()
        return ConversationView(ConversationHead.from_row(row), tuple(Turn.from_row(turn) for turn in turns))


def rename_conversation(
    services: Services, person: Person, conversation_id: int, title: str, *, row_version: int
) -> ConversationHead:
    """Give the conversation a title. Raises NotFound, BadInput(`conversation_title_missing`), Conflict."""
    require_role(services, person, WORKER)
    clean = _shorten(title, LONGEST_TITLE)
    if not clean:
        raise BadInput("conversation_title_missing")
    with writing(services) as session:
        row = _get_own(session, person, conversation_id)
        if row.row_version != row_version:
            raise Conflict("conversation_changed")
        row.title = clean
        row.row_version += 1
        session.add(row)
        session.commit()
        return ConversationHead.from_row(row)


def delete_conversation(services: Services, person: Person, conversation_id: int) -> None:
    """Delete the conversation with all its turns; trainings that came of it stay. Raises NotFound."""
    require_role(services, person, WORKER)
    with writing(services) as session:
        row = _get_own(session, person, conversation_id)
        session.execute(delete(ConversationTurn).where(col(ConversationTurn.conversation_id) == row.id))
        session.delete(row)
        session.commit()


def add_person_turn(
    services: Services, person: Person, conversation_id: int | None, words: str
) -> tuple[ConversationView, Turn]:
    """Store what the person said, in a new conversation where none is named; return the view of before, and the turn.

    Raises NotFound, BadInput(`assistant_words_missing`, `assistant_words_too_long`), Conflict(`conversation_full`).
    """
    require_role(services, person, WORKER)
    text = strip_control(words).strip()
    if not text:
        raise BadInput("assistant_words_missing")
    if len(text) > LONGEST_WORDS:
        raise BadInput("assistant_words_too_long", highest=LONGEST_WORDS)
    if conversation_id is None:
        conversation_id = _start(services, person, text)
    before = read_conversation(services, person, conversation_id)
    if len(before.turns) >= MOST_TURNS:
        raise Conflict("conversation_full", highest=MOST_TURNS)
    return before, _add(services, person, conversation_id, role=PERSON, words=text)


def add_assistant_turn(
    services: Services,
    person: Person,
    conversation_id: int,
    *,
    words: str,
    writer: str,
    results: tuple[ToolResult, ...] = (),
    question: Pending | None = None,
    failed_look: Look | None = None,
    draft: Draft | None = None,
    error: tuple[str, Mapping[str, Any]] | None = None,
) -> Turn:
    """Store what the assistant said; `failed_look` is what could not be looked up, for what is said next.

    A draft takes the place of the one that waited before. Raises NotAllowed.
    """
    require_role(services, person, WORKER)
    return _add(
        services,
        person,
        conversation_id,
        role=ASSISTANT,
        words=words,
        writer=writer[:190],
        results=store_results(results, question, failed_look),
        draft={} if draft is None else draft.to_json(),
        draft_state="" if draft is None else OPEN if draft.is_ready else ASKING,
        error_code=None if error is None else error[0],
        error_params={} if error is None else dict(error[1]),
    )


def close_drafts(session: Session, conversation_id: int) -> None:
    """Discard every draft of the conversation that waits, inside the caller's transaction."""
    query = select(ConversationTurn).where(
        ConversationTurn.conversation_id == conversation_id, col(ConversationTurn.draft_state).in_((OPEN, ASKING))
    )
    for row in session.exec(query).all():
        row.draft_state = DISCARDED
        row.row_version += 1
        session.add(row)


def discard_waiting(services: HasDatabase, person: Person, conversation_id: int) -> None:
    """Discard the draft that waits in the conversation, if any. Raises NotFound."""
    require_role(services, person, WORKER)
    with writing(services) as session:
        _get_own(session, person, conversation_id)
        close_drafts(session, conversation_id)
        session.commit()


def get_own_turn(session: Session, person: Person, turn_id: int) -> ConversationTurn:
    """Return a turn of the person's own conversations, inside the caller's transaction. Raises NotFound."""
    turn = session.get(ConversationTurn, turn_id)
    if turn is None:
        raise NotFound("conversation_unknown")
    _get_own(session, person, turn.conversation_id)
    return turn


def _get_own(session: Session, person: Person, conversation_id: int) -> Conversation:
    row = session.get(Conversation, conversation_id)
    # Somebody else's is as unknown as one that never was.
    if row is None or row.created_by != person.id:
        raise NotFound("conversation_unknown")
    return row


def _start(services: Services, person: Person, words: str) -> int:
    with writing(services) as session:
        row = Conversation(title=_shorten(words, LONGEST_TITLE), created_by=person.id)
        session.add(row)
        session.commit()
        return row.id


def _add(services: Services, person: Person, conversation_id: int, **values: Any) -> Turn:
    with writing(services) as session:
        owner = _get_own(session, person, conversation_id)
        last = session.exec(
            select(func.max(ConversationTurn.number)).where(ConversationTurn.conversation_id == conversation_id)
        ).one()
        if values.get("draft"):
            close_drafts(session, conversation_id)
        row = ConversationTurn(conversation_id=conversation_id, number=(last or 0) + 1, **values)
        owner.updated_at = utc_now()
        session.add(owner)
        session.add(row)
        session.commit()
        return Turn.from_row(row)


def _shorten(text: str, longest: int) -> str:
    clean = " ".join(strip_control(text).split())
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
