"""Methods side by side on one dataset version, and second opinions on an inspection."""
