"""The trained model of a product in use: it names what it was taught, and may hold a part back, never let one pass."""
