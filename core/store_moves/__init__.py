"""Moving all objects of an installation to another store, from the folder to a bucket or back."""
