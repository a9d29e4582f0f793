"""Where an image's object lies: in the folder of its label, and moved when the label changes."""
