"""Sentences of the recipes: why a training or its graph cannot be used."""

from core.i18n import N_

RECIPES_MESSAGES: dict[str, str] = {
    "graph_differs": N_(
        "The exported network does not say what the trained one says: probabilities differ by {difference}, and at most {tolerance} is allowed. It is not used. Train again, or choose another backbone."
    ),
    "training_diverged": N_(
        "The training diverged in epoch {epoch}: its loss is no number. Choose a learning rate lower than {learning_rate}, a longer warm-up, or limit the gradient (clip_norm)."
    ),
    "training_process_failed": N_(
        "A process of the training ended unexpectedly: {detail}. The training goes on from its last epoch when it is started again."
    ),
}
