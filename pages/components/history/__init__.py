"""Looking back at inspections: the filter, the table, one inspection, the queue of reviews."""
