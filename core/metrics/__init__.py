"""What is measured of the installation while it works, for Prometheus."""
