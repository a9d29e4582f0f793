"""Sentences of training: configurations, runs, their tracking, adapters, exports, and the assistant."""
