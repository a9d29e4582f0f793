"""Trainers of other people's: run apart, heard as lines, believed in nothing that can be measured here."""
