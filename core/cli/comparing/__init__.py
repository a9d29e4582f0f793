"""The commands of views combined and methods compared."""
