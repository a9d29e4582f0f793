"""What the assistant may look up: read-only tools over the use cases, each within the role that its screen needs."""
