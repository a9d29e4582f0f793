"""What is in a backup, what is not, and how one is restored, in words and as commands."""

from __future__ import annotations

import streamlit as st

from core.backups.schedule import backup_root
from pages.components.shared.language import _
from pages.components.shared.session import services


def show_contents() -> None:
    """Say what a backup holds."""
    with st.expander(_("What is in a backup"), icon=":material/inventory_2:"):
        st.markdown(
            "\n".join(
                f"- {line}"
                for line in (
                    _(
                        "Everything in the database, as it is at one moment: products, inspections, thresholds, "
                        "accounts, the audit log and all settings made on screen."
                    ),
                    _("Every stored file that belongs to it: images, manuals, models, heat maps and reports."),
                    _(
                        "Secrets of the system, such as the keys that sign sessions and those of the targets that "
                        "results are sent to."
                    ),
                    _(
                        "Not in it: the settings of the server (environment variables), network weights that were "
                        "added by hand, the records of MLflow, logs, and the key of the backups itself."
                    ),
                )
            )
        )


def show_restore_help() -> None:
    """Say how a backup is restored. It is done on the server: nobody may replace a running system from a browser."""
    with st.expander(_("How a backup is restored"), icon=":material/settings_backup_restore:"):
        st.markdown(
            "\n".join(
                f"{place}. {line}"
                for place, line in enumerate(
                    (
                        _(
                            "Install the same or a newer version of Geomsa, with an empty database and an empty "
                            "object store."
                        ),
                        _("Stop the application, the workers and the REST interface."),
                        _(
                            "Put all files of the chain into one folder: the full backup and the incremental ones "
                            "after it."
                        ),
                        _("On the server, give the command below with the newest file you want to go back to."),
                        _("Start Geomsa. Everybody signs in again; jobs that were running begin again."),
                    ),
                    start=1,
                )
            )
        )
        file = backup_root(services().settings) / "geomsa-….geomsa"
        st.code(
            f"python -m core backup verify {file}\npython -m core restore {file} --key-file KEYFILE\n"
            "python -m core doctor",
            language="bash",
        )
        st.caption(
            _(
                "Where data is in the way, nothing is restored unless --replace is given and confirmed. API keys "
                "that were revoked after the backup are valid again: revoke them once more."
            )
        )
