"""REST routes of training: dataset versions, configurations, runs, exports, adapters, the assistant."""
