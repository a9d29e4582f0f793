"""Reading the audit log: browsing, exporting, verifying its chain."""
