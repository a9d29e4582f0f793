"""The accounts of people: the list, adding one, changing one."""
