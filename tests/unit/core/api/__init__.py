"""The REST interface, on a real server of this machine."""
