"""Uploads whose folders say what the images show: planned first, stored as a person has confirmed it."""
