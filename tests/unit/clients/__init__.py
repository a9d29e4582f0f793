"""The clients of exported networks."""
