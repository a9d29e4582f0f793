"""The corrective steps: passages, writing, records, usage, the choice of the writer."""
