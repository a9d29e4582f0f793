"""Trainers of other people's in folders of this machine: known, accepted, checked, run apart."""
