"""When, and in what order: Dagster definitions over `pipelines`, and the command line.

What mentions a schedule, a partition, an asset key, a check or a pool lives here; what would still
be useful without Dagster lives in `pipelines`.
"""
