"""The report of a model version: scores with two thresholds to move, figures, costs, history, comparison."""
