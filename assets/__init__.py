"""When, and in what order: Dagster definitions over `pipelines`.

What mentions a schedule, a partition, an asset key, a check or a pool lives here; what would still
be useful without Dagster lives in `pipelines`. `assets.command` is the command line that runs these
definitions, `assets.compat` what leans on private parts of libraries.
"""
