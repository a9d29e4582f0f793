"""Sentences about trainings: runs."""

from core.i18n import N_

RUNS_MESSAGES: dict[str, str] = {
    "run_unknown": N_("There is no training run {number}."),
    "run_label_not_asked": N_("“{label}” is not learned: it is not among the labels that were chosen."),
    "run_label_too_few": N_(
        "“{label}” is not learned: it has {count} training images, and at least {fewest} are asked for."
    ),
    "run_settings_ignored": N_("The recipe does not use these settings: {settings}."),
    "run_longer_than_limit": N_(
        "About {expected} minutes are expected, but {minutes} allowed: it ends then with its best epoch."
    ),
    "run_memory_limit": N_(
        "This training needs about {needed} GiB of memory, but only {limit} GiB are allowed (limits.memory_gib). Use "
        "smaller batches or a smaller input, or allow more."
    ),
    "run_memory_exceeded": N_(
        "The training had {used} GiB of memory in use, and {limit} GiB are allowed (limits.memory_gib). Use smaller "
        "batches or a smaller input, or allow more, and let it go on."
    ),
    "run_time_too_short": N_(
        "No epoch ended within {minutes} minutes (limits.minutes), so there is no model. Allow more time, or use fewer "
        "images or a smaller input."
    ),
    "run_nothing_left": N_(
        "Training run {number} is not one that failed or was canceled: there is nothing to go on with."
    ),
    "run_not_finished": N_("Training run {number} has not ended yet: its results come when it has."),
    "run_results_unreadable": N_("The file with the results of training run {number} is damaged."),
    "run_without_model": N_("Training run {number} has no model: it has not ended, or failed."),
    "run_still_going": N_("“{name}” is still waiting or running. Cancel it first."),
    "run_in_use": N_("The model of “{name}” is in use. Put another one into use first, or take it out of use."),
    "run_file_unreadable": N_("{file_name} cannot be read as text."),
    "run_change_unreadable": N_("“{change}” is not a change: write section.field=value, as training.epochs=5."),
    "run_canceled": N_("The training was canceled: what is trained stays, and it can go on."),
    "run_goals_not_met": N_("Goals that were not met: {goals}."),
    "run_waits": N_(
        "Run {run}: the model waits to be put into use, and this speaks against it: {reasons} To put it into use all the "
        "same: “python -m core runs activate {run} --activate”."
    ),
    "run_log_began": N_("Training begins after epoch {epoch}"),
    "run_log_trained": N_("Trained: {epochs} epochs, the best was epoch {best}"),
    "run_log_gives_way": N_("Job {job} goes first; the training goes on after it"),
    "run_log_done": N_("{figure} {value} on images it has not seen, {seconds} s in all"),
    "held_trained_worse_macro_f1": N_(
        "On the same {n_parts} test parts it names types worse than version {number}, which is in use: macro F1 {value} "
        "instead of {active_value} (difference, 95 % sure: {from_value} to {to_value})."
    ),
    "held_trained_worse_miou": N_(
        "On the same {n_parts} test parts it marks defects worse than version {number}, which is in use: mean IoU of the "
        "images {value} instead of {active_value} (difference, 95 % sure: {from_value} to {to_value})."
    ),
    "held_trained_worse_map50": N_(
        "On the same {n_parts} test parts it finds defects worse than version {number}, which is in use: mean F1 of the "
        "images {value} instead of {active_value} (difference, 95 % sure: {from_value} to {to_value})."
    ),
    "held_trained_worse_macro_f1_unsure": N_(
        "On the same test images it names types worse than version {number}, which is in use: macro F1 {value} instead "
        "of {active_value}. They are too few to say how sure that is."
    ),
    "held_trained_worse_miou_unsure": N_(
        "On the same test images it marks defects worse than version {number}, which is in use: mean IoU of the images "
        "{value} instead of {active_value}. They are too few to say how sure that is."
    ),
    "held_trained_worse_map50_unsure": N_(
        "On the same test images it finds defects worse than version {number}, which is in use: mean F1 of the images "
        "{value} instead of {active_value}. They are too few to say how sure that is."
    ),
    "held_trained_other_task": N_(
        "Version {number}, which is in use, does another task (classification, segmentation or detection): the two cannot "
        "be compared."
    ),
    "held_trained_fewer_labels": N_("Version {number}, which is in use, knows {count} labels that this one does not."),
    "held_trained_near_chance": N_(
        "On {n_parts} test parts it is hardly better than guessing: {value} of the images of a label are named right on "
        "average (95 % sure: {from_value} to {to_value}; guessing gives {chance})."
    ),
    "held_trained_finds_little": N_("It hardly finds the {count} test defects: {value} of 1 on average."),
    "held_trained_untested": N_("There were no test images to measure it on."),
    "held_trained_goals_missed": N_("{count} of {goals} goals were not met."),
    "held_trained_dataset_broken": N_("Images of its dataset version were deleted or changed while it was trained."),
}
