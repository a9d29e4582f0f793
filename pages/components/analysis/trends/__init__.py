"""Parts of the screen of quality trends."""
