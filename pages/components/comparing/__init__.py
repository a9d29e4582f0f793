"""Comparing methods: dataset versions, the form, the list, the result, and what was said of each image."""
