"""What the parser understood, carried out: tools called, drafts made, questions asked back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.assistant.conversations import discard_waiting
from core.assistant.drafting.draft import Draft
from core.assistant.drafting.making import count_images, make_draft
from core.assistant.drafting.words import ask_for, describe_draft
from core.assistant.events import AskEvent
from core.assistant.names import Unclear
from core.assistant.offline.parser import TASK
from core.assistant.offline.understood import Discard, Look, Pending, Start, Train, Understood, Which
from core.assistant.suggestions import list_suggestions
from core.assistant.tools.contract import ToolContext
from core.assistant.tools.registry import find_tool
from core.i18n import N_

if TYPE_CHECKING:
    from core.assistant.records import ConversationView


_TASKS: dict[str, str] = {
    "count_inspections": N_("Counts and rates of inspections"),
    "rank_defect_types": N_("The most frequent defects"),
    "trend_defect_rate": N_("The trend of the defect rate"),
    "explain_inspection": N_("Why a part was judged so"),
    "list_inspections": N_("A list of inspections"),
    "review": N_("What waits for a review"),
    "read_manual": N_("What the manual says"),
    "list_open_actions": N_("The open actions"),
    "read_thresholds": N_("The thresholds"),
    "weak_spots": N_("What the model misses"),
    "model_state": N_("The state of the models"),
    "list_datasets": N_("The dataset versions"),
    "list_runs": N_("The training runs"),
    "show_run": N_("One training run"),
    "list_products": N_("The products and defect types"),
    "train": N_("A draft of a training"),
}


def respond(context: ToolContext, understood: Understood, before: ConversationView) -> Iterator[AskEvent]:
    """Yield what comes of a message that was understood so. Raises AppError of tools and drafts."""
    if isinstance(understood, Look):
        yield from _look(context, understood)
    elif isinstance(understood, Train):
        yield from _train(context, understood, before)
    elif isinstance(understood, Start):
        require_role(context.services, context.person, ENGINEER)
        yield AskEvent(
            words=context.speech.say(
                N_("A training starts only when you press Confirm below the draft. Look at it first.")
            )
        )
    elif isinstance(understood, Discard):
        discard_waiting(context.services, context.person, before.head.id)
        yield AskEvent(words=context.speech.say(N_("The draft is discarded.")))
    elif isinstance(understood, Which):
        yield _ask_which(context, understood)
    else:
        yield from _help(context)


def _ask_which(context: ToolContext, unsure: Which) -> AskEvent:
    # What a person sees of a choice is what a press on it says.
    labels = [context.speech.say(_TASKS[one]) for one in unsure.intents]
    kept = {"said": unsure.said, "intents": ",".join(unsure.intents)}
    question = Pending(TASK, tuple((label, label) for label in labels), "", kept)
    return AskEvent(question=question, words=context.speech.say(N_("Which of these did you mean?")))


def _look(context: ToolContext, wanted: Look) -> Iterator[AskEvent]:
    tool = find_tool(wanted.tool)
    yield AskEvent(looking=tool.title, look=wanted)
    try:
        result = tool.call(context, wanted.arguments)
    except Unclear as unclear:
        arguments = {name: value for name, value in wanted.arguments.items() if name != unclear.field}
        yield ask_back(context, Pending(unclear.field, unclear.choices, tool.name, arguments), unclear.said)
        return
    yield AskEvent(result=result)
    for words in result.words:
        yield AskEvent(words=words)


def _train(context: ToolContext, wanted: Train, before: ConversationView) -> Iterator[AskEvent]:
    waiting = before.waiting
    earlier = waiting.draft if waiting is not None and wanted.changes_draft else None
    draft = make_draft(context, wanted.said, wanted.products, before=earlier)
    yield from tell_draft(context, draft, changed=earlier is not None)


def tell_draft(context: ToolContext, draft: Draft, *, changed: bool) -> Iterator[AskEvent]:
    """Yield the draft, and what is said about it."""
    yield AskEvent(draft=draft)
    images = count_images(context, draft.product) if draft.is_ready else None
    for words in describe_draft(draft, context.speech, images=images, changed=changed):
        yield AskEvent(words=words)


def ask_back(context: ToolContext, question: Pending, said: str) -> AskEvent:
    """Return the question with its choices."""
    words = ask_for(question.field, context.speech)
    if said and not question.choices:
        words = context.speech.say(N_("There is nothing called “{said}” here."), said=said[:60])
    return AskEvent(question=question, words=words)


def _help(context: ToolContext) -> Iterator[AskEvent]:
    say = context.speech.say
    yield AskEvent(
        words=say(
            N_(
                "I did not understand this as one of my tasks. I look up inspections, trends, manuals and "
                "trainings, and draft trainings. For example:"
            )
        )
    )
    for one in list_suggestions(context):
        yield AskEvent(words=f"• {one}")
