"""What a manual's passages say of one defect: which words are its own, and which section they stand in."""
