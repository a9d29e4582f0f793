"""Exports of trained networks."""
