"""What follows an inspection: typed notes, open actions, and the chain of what people changed."""
