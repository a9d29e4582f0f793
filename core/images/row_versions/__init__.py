"""The row version of an image: raised with each change, and checked before the next one."""
