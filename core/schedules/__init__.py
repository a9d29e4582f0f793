"""Reports on a schedule: when each falls due, where it goes, and what became of it."""
