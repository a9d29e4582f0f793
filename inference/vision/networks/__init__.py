"""Networks: which there are, their weights and graphs, what computes them, and the vectors they make of images."""
