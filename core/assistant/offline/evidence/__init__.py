"""What a message speaks for: examples of each task, and how alike a message is to them."""
