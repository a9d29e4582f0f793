"""Sentences of the audit log."""

from core.i18n import N_

AUDITING_MESSAGES: dict[str, str] = {
    "audit_changed": N_("The row at position {first}, or the one just before it, was changed."),
    "audit_changed_range": N_("The rows at positions {first} to {last} were changed."),
    "audit_missing": N_("The row at position {first} is missing."),
    "audit_missing_range": N_("The rows at positions {first} to {last} are missing."),
    "audit_added": N_("The row at position {first} was added afterwards."),
    "audit_added_range": N_("The rows at positions {first} to {last} were added afterwards."),
    "audit_reordered": N_("The row at position {first} belongs to another place."),
    "audit_reordered_range": N_("The rows at positions {first} to {last} belong to other places."),
    "audit_cut": N_("The end was cut off: positions {first} to {last} are missing."),
    "audit_unsealed": N_("Rows that do not belong to the chain: {count}. They were not written by this program."),
    "audit_chain": N_("The row that holds the end of the chain is missing from the table audit_chain."),
    "audit_anchor": N_("Up to position {first} the log is not the one that was anchored in the object store."),
    "audit_anchor_cut": N_(
        "The anchor in the object store knows positions {first} to {last}, the database does not: they were cut off, or "
        "the database was restored from an older copy."
    ),
    "check_audit": N_("audit log verified to position {position}, confirmed by the object store to {anchored}"),
    "check_audit_wrong": N_("the audit log is not as it was written. {found}"),
    "check_audit_unguarded": N_(
        "audit log verified to position {position}, but the database does not refuse changes: its account may not create "
        "triggers. An administrator of the database creates them as docs/audit.md says."
    ),
}
