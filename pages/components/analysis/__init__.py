"""What engineers study: the figures of a model, trends of quality, the measurement system, reports."""
