"""Trainings as drafts: fields that were said, come from the data or are defaults, until a person confirms."""
