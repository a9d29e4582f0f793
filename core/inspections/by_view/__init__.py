"""Inspecting a part by several views: a picture or more of each, each with its evidence, and one combined verdict."""
