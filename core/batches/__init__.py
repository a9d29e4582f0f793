"""Batch inspection: many files as one job, that goes on where it stopped and inspects no file twice."""
