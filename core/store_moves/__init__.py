"""Moving all objects from one object store to another."""
