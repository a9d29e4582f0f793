"""The trash: images that were deleted and can be put back for thirty days."""
