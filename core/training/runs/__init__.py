"""Training runs: started, worked off by a job, and looked at."""
