"""Kinds and options of models, weight paths and the cache of loaded ones: below services, no session, no person."""
