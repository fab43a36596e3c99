"""What everything rests on: settings, the clock and its windows, table declarations, DuckDB.

Knows no other room.
"""
