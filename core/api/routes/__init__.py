"""What is under /api/v1, one module a resource: each calls the use cases of the screens and adds no rule of its own."""
