"""Several views of a part, by HTTP: inspecting by them, and how they are combined."""
