"""Sentences of signing in, the first administrator and OpenID providers."""

from core.i18n import N_

SIGN_IN_MESSAGES: dict[str, str] = {
    "password_names_account": N_("The password must not be the sign-in name. Choose another one."),
    "password_too_common": N_(
        "This password is one of the first that somebody would try. Choose a longer one, such as four words that do "
        "not belong together."
    ),
    "password_change_due": N_("Choose a password of your own first: somebody else has set the one you signed in with."),
    "passwords_not_used": N_("People sign in through the identity provider here. Passwords are not used."),
    "code_purpose_unknown": N_("There is no code of this kind. Possible: {choices}."),
    "codes_without_passwords": N_(
        "People sign in through the identity provider here, so a code for a password has no use."
    ),
    "code_for_disabled": N_("{login} is disabled. Enable the account first, then make a code."),
    "code_refused": N_(
        "This code cannot be used: it is mistyped, has been used, or its time is over. Check it, or ask for a new one."
    ),
    "administrator_there": N_("There is an administrator already. Sign in, or ask that person for an account."),
    "oidc_not_used": N_("Signing in through an identity provider is not set up here."),
    "oidc_state_lost": N_(
        "This sign-in was begun elsewhere or too long ago. Nothing was changed; begin it again in this browser."
    ),
    "oidc_provider_away": N_(
        "The identity provider does not answer. Try again in a moment; if it stays away, tell an administrator."
    ),
    "oidc_client_refused": N_(
        "The identity provider does not accept this system's client ID or secret. An administrator must check "
        "GEOMSA_OIDC_CLIENT_ID and GEOMSA_OIDC_CLIENT_SECRET."
    ),
    "oidc_consent_refused": N_(
        "The identity provider has not let you in, or you have not agreed. Nobody is signed in."
    ),
    "oidc_provider_error": N_(
        "The identity provider has refused the sign-in ({reason}). Try again; if it stays so, tell an administrator."
    ),
    "oidc_clock": N_(
        "The identity provider's answer is out of date or not valid yet. An administrator must compare the clocks of "
        "this server and of the provider; then sign in again."
    ),
    "oidc_answer_refused": N_(
        "The identity provider's answer was not accepted: {claim} is not right. Begin the sign-in again; if it stays so, "
        "tell an administrator."
    ),
    "oidc_role_missing": N_(
        "You are known to the identity provider, but it gives you no role here ({claim}). Ask an administrator."
    ),
    "oidc_unknown_account": N_(
        "You are known to the identity provider, but there is no account for {login} here. Ask an administrator to add "
        "one."
    ),
    "oidc_login_taken": N_(
        "The account {login} belongs to another person at the identity provider. Ask an administrator."
    ),
    "oidc_disabled": N_("Your account here is disabled. Ask an administrator."),
    "setting_oidc_missing": N_("GEOMSA_AUTH is oidc, but these settings are missing: {names}."),
    "setting_oidc_package_missing": N_(
        "GEOMSA_AUTH is oidc, but the package Authlib is not installed. Install it: pip install streamlit[auth]"
    ),
    "setting_oidc_role_pair": N_("GEOMSA_OIDC_ROLE_CLAIM and GEOMSA_OIDC_ROLES belong together: set both, or neither."),
    "setting_oidc_roles": N_(
        '{name} has "{value}", but must be pairs such as inspectors=worker,quality=engineer. Roles: {choices}.'
    ),
    "setting_not_https": N_("{name} must begin with https://; http:// is for localhost alone."),
}
