"""Tests of the tracking of trainings."""
