"""dbt's own command line, in a process that seldom looks for garbage."""

from pipelines.garbage import collect_rarely


def main() -> None:
    """Do what `dbt` does."""
    from dbt.cli.main import cli

    collect_rarely()
    cli(prog_name="dbt")


if __name__ == "__main__":
    main()
