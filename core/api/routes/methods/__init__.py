"""Routes of views combined and methods compared."""
