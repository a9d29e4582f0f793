"""The demo data and the first start."""
