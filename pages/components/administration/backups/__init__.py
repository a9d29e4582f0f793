"""What the screen of backups is made of."""
