"""Methods side by side: what each of them says of an image, how views are combined, and how they are measured."""
