"""Sentences about adapters: trainers of other people's, run apart."""

from core.i18n import N_

ADAPTERS_MESSAGES: dict[str, str] = {
    "adapter_changed": N_(
        "The adapter.json of “{name}” is not the one that was added. Add the folder again and accept its license."
    ),
    "adapter_failed": N_("The adapter “{name}” ended with status {status}: {detail}"),
    "adapter_folder_missing": N_("There is no folder {folder} on this machine."),
    "adapter_graph_invalid": N_("The network that the adapter “{name}” made cannot be used: {detail}"),
    "adapter_in_use": N_("The adapter “{name}” is at work in a training. Cancel that first."),
    "adapter_license_not_accepted": N_(
        "“{name}” stands under the license {license}, which nobody has accepted here. An administrator reads and accepts "
        "it on Train a model, or with: python -m core adapters accept {name}"
    ),
    "adapter_manifest_invalid": N_("The adapter.json in {folder} cannot be used: {detail}"),
    "adapter_manifest_missing": N_(
        "{folder} holds no readable adapter.json. docs/adapters.md says what belongs there."
    ),
    "adapter_memory": N_("The adapter “{name}” was ended: it took more than {limit_gib} GiB of memory."),
    "adapter_name_taken": N_("There is an adapter “{name}” from another folder ({folder}). Remove it first."),
    "adapter_no_engine": N_(
        "The adapter “{name}” runs in a container, and this machine has neither docker nor podman."
    ),
    "adapter_no_image": N_(
        "The adapter “{name}” names no container image. Set GEOMSA_ADAPTER_MODE to subprocess, or add the image."
    ),
    "adapter_no_interpreter": N_(
        "The interpreter of the adapter “{name}” is not at {path}. Make its environment as its README says."
    ),
    "adapter_result_invalid": N_("The adapter “{name}” did not hand back what was agreed: {detail}"),
    "adapter_silent": N_("The adapter “{name}” was ended: it said nothing for {limit_s} s."),
    "adapter_task": N_("The adapter “{name}” does not know the task {task}."),
    "adapter_timeout": N_("The adapter “{name}” was ended after {limit_s} s."),
    "adapter_unknown": N_("There is no adapter “{name}”. There are: {choices}."),
    "adapter_unnamed": N_("The recipe “adapter” needs the name of one in “model.adapter”. There are: {choices}."),
}
