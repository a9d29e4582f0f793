"""Which images are exposures of one part: named by a rule, a list or a folder, or found; and splits that leak."""
