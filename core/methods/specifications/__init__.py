"""What each method says of itself."""
