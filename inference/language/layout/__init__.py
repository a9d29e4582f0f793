"""The layout of a page: its words put together to lines, tables and columns in the order in which they are read."""
