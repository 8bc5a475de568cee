"""Processes gg -> n gluinos, in the one order that everything uses."""

PROCESSES: dict[str, int] = {"four_gluino": 4, "two_gluino": 2}
"""Process name -> number of outgoing gluinos."""
