"""Limits that the workflow checks before any job starts; importing them costs nothing."""

LEAST_EVENTS = 40
"""Least number of events of each sample in a classifier two-sample test."""
