"""Files as they come and go: archives from strangers, file names, objects that are discarded."""
