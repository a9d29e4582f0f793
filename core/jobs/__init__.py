"""The job queue: asking for work, claims under a lease, progress, views, heartbeats."""
