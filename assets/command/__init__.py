"""The command `tokenmart`: starts Dagster's jobs here and now, and says what came of them.

It uses the definitions beside it; they know nothing of it.
"""
