"""Networks that say where in an image something is: segmentation and detection, on levels of a backbone."""
