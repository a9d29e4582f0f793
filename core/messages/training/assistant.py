"""Sentences about trainings: assistant."""

from core.i18n import N_

ASSISTANT_MESSAGES: dict[str, str] = {
    "assistant_no_products": N_("There is no product yet. Register one and add its images first."),
    "assistant_period_unknown": N_("The period “{said}” is not understood. Say it as “last week” or 2026-03-01."),
    "assistant_argument_wrong": N_("“{value}” cannot be used for “{name}”."),
    "assistant_argument_missing": N_("“{name}” is missing."),
    "assistant_tool_unknown": N_("There is no tool “{name}”."),
    "assistant_no_ng_part": N_("No NG part was found there."),
    "assistant_run_unknown": N_("There is no training run {number}."),
    "assistant_product_gone": N_("There is no product “{product}” in use."),
    "assistant_words_missing": N_("Write what you want to know, or which training you want."),
    "assistant_words_too_long": N_("A message has at most {highest} characters."),
    "assistant_interrupted": N_("Interrupted before anything was said."),
    "assistant_draft_not_ready": N_("Something is missing in this draft, or wrong. Say it or correct it first."),
    "assistant_draft_over": N_("This draft was confirmed or discarded already."),
    "assistant_draft_changed": N_("This draft was changed meanwhile. Look at it again."),
    "conversation_unknown": N_("This conversation is not there (any more)."),
    "conversation_title_missing": N_("Give the conversation a title."),
    "conversation_changed": N_("The conversation was changed meanwhile. Look at it again."),
    "conversation_full": N_("A conversation has at most {highest} turns. Begin a new one."),
}
