"""Counts of inspections by production day, kept in the transaction that changes an inspection.

Whoever adds, changes or deletes an inspection says so to `counting`; `rebuilding` counts again from the inspections.
"""
