"""Measurement system analysis: how far scores and verdicts repeat, and how far people and the model agree."""
