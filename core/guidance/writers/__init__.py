"""The ways of writing guidance: each is specified in a module of its own and listed in the registry."""
