"""The recipes that a configuration may name, with their words, their defaults and what they need."""
