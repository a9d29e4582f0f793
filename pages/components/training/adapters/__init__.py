"""Trainers of other people's on the form of a training: their cards, licenses and options."""
