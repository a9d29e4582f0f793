"""The type of a defect by its region, cut out at the image's own resolution and looked at by the bank's network."""
