"""What people decide about a result: its panel, the bar of decisions, the checklist, the chain of changes."""
