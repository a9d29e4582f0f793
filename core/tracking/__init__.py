"""Telling a tracking store (MLflow) of training runs; what cannot be told now waits."""
