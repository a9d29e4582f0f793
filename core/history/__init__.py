"""Looking back: the history of inspections, the queue of reviews, traceability, and what is learned from them."""
