"""The lake: every row ever fetched, in Parquet, appended and never changed.

Landing (of one source, of many side by side), catalog, upkeep, repair, whose observations it holds.
"""
