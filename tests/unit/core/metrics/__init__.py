"""Tests of what Prometheus reads."""
