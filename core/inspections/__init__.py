"""Inspecting a part, its record and its pictures, and what people decide about it."""
