"""Inspecting a part, the records that are kept, and what people decide about them."""
