"""Sentences of accounts, invitations, bindings and API keys."""

from core.i18n import N_

PEOPLE_MESSAGES: dict[str, str] = {
    # accounts
    "password_unchanged": N_("The new password is the old one. Choose another."),
    "password_own_wrong": N_("The present password is not right. Nothing was changed."),
    "password_own_missing": N_("This account signs in through the company's sign-in and has no password here."),
    "password_own_locked": N_("Too many wrong passwords. Try again in {seconds} s."),
    "display_name_missing": N_("Give a name: it stands beside everything the person does."),
    "session_unknown": N_("This session is over already."),
    # bindings
    "product_not_bound": N_(
        "Your account is bound to other products. Choose one of yours, or ask an administrator to bind it to this one."
    ),
    "line_not_bound": N_(
        "Your account is bound to these lines: {lines}. Choose one of them, or ask an administrator to bind it to another."
    ),
    "bindings_for_workers": N_(
        "Only line workers are bound to products and lines. Engineers and administrators see all."
    ),
    "binding_line_invalid": N_("The name of a line has at most {highest} characters."),
    "bindings_too_many": N_("An account can be bound to at most {highest} products and lines together."),
    "bindings_unsaid": N_("Say what to bind to with --product and --line, or --none to end the bindings."),
    # API keys
    "check_api_keys": N_("No API key ends within the next {days} days."),
    "check_api_keys_end": N_("API keys that end soon: {keys}. Make new ones on Users before then."),
    "api_scope_missing": N_(
        'The API key "{name}" is not for this: it would need the scope "{scope}", and has {scopes}. Ask an administrator for '
        "another key."
    ),
    "api_scope_unknown": N_('There is no scope "{scope}". Choose of: {choices}.'),
}
