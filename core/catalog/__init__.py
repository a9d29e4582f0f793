"""Products and their defect types."""
