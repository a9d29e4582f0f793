"""Commands of training: train, runs, export-model, adapters."""
