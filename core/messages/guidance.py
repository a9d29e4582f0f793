"""Sentences of the guidance: why the chosen language model did not write it, and what is wrong with its settings."""

from core.i18n import N_

GUIDANCE_MESSAGES: dict[str, str] = {
    "writer_broken_off": N_("The language model broke off its answer."),
    "writer_busy": N_("The language model's server has too many requests. Try again in a minute."),
    "writer_declined": N_("The language model declined to answer."),
    "writer_empty": N_("The language model's answer held no step."),
    "writer_failed": N_("The language model's server failed (status {status})."),
    "writer_key_refused": N_("The language model's server refused the key. Check the key in the server's settings."),
    "writer_model_unknown": N_("The server has no language model of this name. Choose another one under Models."),
    "writer_overloaded": N_("The language model's server is overloaded."),
    "writer_request_refused": N_(
        "The language model's server refused the request (status {status}). Choose another model under Models."
    ),
    "writer_timeout": N_("The language model took too long."),
    "writer_too_long": N_("The language model's answer was too long."),
    "writer_unreachable": N_("The language model's server does not answer. Check its address and the network."),
    "writer_unsafe": N_("The language model's answer held nothing that may be shown."),
    "writer_interrupted": N_("The writing was interrupted."),
    "text_model_unknown": N_('There is no way of writing called "{name}". Choose one of the list.'),
    "text_model_name_missing": N_("Say which language model is to write: its name at the server."),
    "text_model_name_invalid": N_("This is no name of a language model. Leave out spaces; at most {limit} characters."),
    "text_model_needs_key": N_(
        "Claude needs a key. Set the variable {variable} on the server and start the program again."
    ),
    "text_model_needs_address": N_(
        "The server's address is not known. Set the variable {variable} on the server and start the program again."
    ),
    "no_manual_index": N_("The product's manuals cannot be searched yet. Build its manual index first."),
    "question_missing": N_("Nothing is asked. Choose a defect type, or type a question."),
    "question_too_long": N_("The question is too long. Shorten it to at most {highest} characters."),
    "type_unknown": N_(
        'The product has no defect type with the code or name "{name}". Check it, or ask in free words instead.'
    ),
    "guidance_unknown": N_("This guidance is not kept any more. Write it again."),
    "guidance_rating_invalid": N_("A rating is thumbs up or thumbs down."),
    "report_font_missing": N_(
        "The font for Korean reports is not installed. Run “make setup” on the server, then try again."
    ),
}
