"""Arrays in, dataclasses out: the models, without database, network, pages or settings."""
