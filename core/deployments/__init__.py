"""From images and manuals to active models: start, builds, evaluation, acceptance, estimates, cleanup."""
