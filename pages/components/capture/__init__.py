"""How a part's image and its codes come from the person: upload, camera, samples, hand scanner, keys of line mode."""
