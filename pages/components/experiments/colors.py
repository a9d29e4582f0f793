"""The letter, color and dash that a chosen run has in every table and chart."""

from __future__ import annotations

# Okabe and Ito: told apart with every kind of color vision; each line has a dash of its own as well.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def letter(place: int) -> str:
    """Return the letter of the run at this place: A for the first."""
    return chr(ord("A") + place)
