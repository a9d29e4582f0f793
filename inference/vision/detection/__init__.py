"""Anomaly detection: the detectors behind one interface, and what all of them share: scores, maps, measures."""
