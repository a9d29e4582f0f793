"""What a person can ask first, by role, with the names of this plant."""

from __future__ import annotations

from core.access import ENGINEER, reaches
from core.assistant.tools.contract import ToolContext
from core.i18n import N_

_FOR_EVERYONE = (
    N_("What was the most frequent defect last week?"),
    N_("How many parts were inspected today?"),
    N_("Why is the last NG part NG?"),
    N_("Show the open actions"),
)
_ABOUT_A_TYPE = N_("What does the manual say about {defect} of {product}?")
_FOR_ENGINEERS = (
    N_("Defect rate of the last 30 days by week"),
    N_("Which models have weak spots?"),
)
_TRAINING = N_("Train a defect classifier for {product} within 10 minutes")


def list_suggestions(context: ToolContext) -> list[str]:
    """Return some questions and orders that the assistant understands, in the person's language."""
    say, speech, names = context.speech.say, context.speech, context.names
    found = [say(one) for one in _FOR_EVERYONE]
    typed = next(iter(names.types), None)
    owner = next((one for one in names.products if typed is not None and one.id == typed.product_id), None)
    if typed is not None and owner is not None:
        found.append(say(_ABOUT_A_TYPE, defect=speech.defect(typed.name), product=speech.product(owner)))
    if not reaches(context.person.role, ENGINEER):
        return found
    found = [*found[:3], *(say(one) for one in _FOR_ENGINEERS)]
    trained = owner or next(iter(names.products), None)
    if trained is not None:
        found.insert(0, say(_TRAINING, product=trained.code))
    return found
