"""Sentences about runs side by side."""

from core.i18n import N_

EXPERIMENTS_MESSAGES: dict[str, str] = {
    "experiments_count": N_("From {least} to {most} runs stand side by side; {count} are chosen."),
    "experiments_split": N_("“{split}” is no split. There are: {choices}."),
    "experiments_products": N_("These runs are of different products. Choose runs of one product."),
    "experiments_tasks": N_("These runs have different tasks, and no figure in common. Choose runs of one task."),
}
