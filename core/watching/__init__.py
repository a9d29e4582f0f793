"""Watching folders: what arrives is inspected once, moved to done/ or rejected/, and said."""
