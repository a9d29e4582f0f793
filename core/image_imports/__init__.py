"""Imports of images as jobs: files are given, a plan is decided on, and the images are taken in."""
