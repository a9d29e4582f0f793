"""The parts of the screen of reports: the choice of a period, its preview, schedules, and what they have made."""
