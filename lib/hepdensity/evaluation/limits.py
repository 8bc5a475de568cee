"""Limits that the workflow checks before any job starts, in a module that imports nothing."""

LEAST_EVENTS = 40
"""Minimum number of events in each of the two sets of a classifier two-sample test."""
