"""Routes of bringing many images in by a plan, and of the trash."""
