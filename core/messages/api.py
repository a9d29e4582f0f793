"""Sentences of the REST interface and its keys."""

from core.i18n import N_

API_MESSAGES: dict[str, str] = {
    "api_key_missing": N_("Send an API key in the header Authorization: Bearer KEY."),
    "api_key_wrong": N_("This API key is not known. Check that it was copied whole."),
    "api_key_over": N_('The API key "{name}" has expired or was revoked. Ask an administrator for a new one.'),
    "api_key_name_missing": N_("Give the API key a name: the program, or the station, that will use it."),
    "api_key_role_unknown": N_("An API key has one of these roles: {choices}."),
    "api_key_expiry_past": N_("The day on which the API key ends must lie ahead."),
    "api_key_expiry_unreadable": N_('"{value}" is no date. Write it as 2027-12-31.'),
    "api_key_revoked_already": N_('The API key "{name}" was revoked already.'),
    "api_closed_here": N_(
        "In open mode the REST interface answers this machine alone, directly and not through a proxy. Set GEOMSA_AUTH to accounts to serve others."
    ),
    "api_host_needs_accounts": N_(
        "In open mode the REST interface is for this machine alone, so it cannot listen at {host}. Set GEOMSA_AUTH to accounts, or leave --host out."
    ),
    "api_too_many_requests": N_("This API key has sent too many requests. Try again in {seconds} s."),
    "api_busy": N_("Too many requests are being worked on. Nothing was lost; try again in a moment."),
    "inspections_waiting": N_("Too many inspections are waiting. Nothing was lost; try again in a moment."),
    "api_timeout": N_("The answer was not ready in {seconds} s. Send the request again with the same Idempotency-Key."),
    "api_body_too_large": N_("The request is larger than {limit_mb} MB. Send less at once."),
    "api_body_too_slow": N_("Nothing more of the request came for {seconds} s. Send it again."),
    "api_media_type": N_("This content type is not understood here. The OpenAPI page names those that are."),
    "api_bad_request": N_("The request cannot be read. Compare it with the OpenAPI page."),
    "api_values_wrong": N_("Some values are missing or wrong: {fields}."),
    "api_path_unknown": N_("There is nothing at this address."),
    "api_method_not_allowed": N_("This method is not possible at this address."),
    "api_file_missing": N_("No file was sent. Send it in the field {field}."),
    "api_one_file_only": N_("Send one file here; many go to /api/v1/inspections/many."),
    "idempotency_key_reused": N_(
        "This Idempotency-Key was used for another request. Use a new key for each request, and the same only to repeat one."
    ),
    "idempotency_in_progress": N_(
        "The first request with this Idempotency-Key is still being worked on. Try again in a moment."
    ),
    "statistics_period_reversed": N_("The period ends on {last}, before it begins on {first}."),
    "statistics_period_too_long": N_("Hours are counted for at most {days} days. Ask for a shorter period, or by day."),
}
