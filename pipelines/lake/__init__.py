"""The lake: landing, catalog, upkeep, repair, and whose observations it holds."""
