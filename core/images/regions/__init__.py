"""Regions marked in an image: boxes, polygons and masks, each with the defect type that it shows."""
