"""The parser that understands the words of the tasks without any model."""
