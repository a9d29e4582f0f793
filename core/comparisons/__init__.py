"""Methods side by side on one dataset version: configured, worked off as a job, measured, shown and told."""
