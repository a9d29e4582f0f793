"""Widgets of the inspection screen."""
