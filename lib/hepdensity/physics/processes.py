"""Processes gg -> n gluinos, in the order used everywhere."""

PROCESSES: dict[str, int] = {"four_gluino": 4, "two_gluino": 2}
"""Process name -> number of outgoing gluinos."""
