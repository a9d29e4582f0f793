"""Hostile files, made by the thousand by a fuzzer that learns what each mutation reaches."""
