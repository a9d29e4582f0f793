"""PaDiM: a Gaussian of normal features at each place, its settings and its fit."""

# Stands in databases and bundles.
NAME = "padim"
