"""The processes that work jobs off: supervisor, embedded worker, executors."""
