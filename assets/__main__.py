"""`python -m assets` is `tokenmart`, where the console script is not installed."""

from assets.command.cli import app

if __name__ == "__main__":
    app(prog_name="tokenmart")
