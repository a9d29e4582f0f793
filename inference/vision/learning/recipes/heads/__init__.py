"""A linear classifier on what a frozen network sees: reading it, fitting the head, the graph of both."""
