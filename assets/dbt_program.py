"""dbt's own command line, in a process that seldom looks for garbage."""

from dbt.cli.main import cli

from pipelines.garbage import collect_rarely

if __name__ == "__main__":
    collect_rarely()
    cli(prog_name="dbt")
