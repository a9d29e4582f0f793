"""Images and the views of their product: which view a name means, and images that have none yet."""
