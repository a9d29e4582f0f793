"""The screens: one script each in the sub-folders, and the widgets they share in `components`."""
