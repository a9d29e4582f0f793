"""A gauge study step by step: plan, pictures, ratings, result."""
