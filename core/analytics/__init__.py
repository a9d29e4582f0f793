"""Figures over many inspections."""
