"""The command `tokenmart`: parses, calls `workflows`, prints.

Imports that take time are inside the commands: `tokenmart --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from pipelines.core.files import FileDamaged
from pipelines.core.garbage import collect_rarely

if TYPE_CHECKING:
    from rich.console import Console

    from assets.command.ui import TerminalProgress
    from assets.command.workflows import Published
    from pipelines.core.settings import Settings
    from pipelines.core.windows import Window
    from pipelines.publishing import Manifest

app = typer.Typer(
    name="tokenmart",
    help="From source APIs to published crypto marts. Start with: tokenmart daily",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox_app = typer.Typer(
    help="The market in a box: generate a dataset, serve a dataset.", no_args_is_help=True
)
app.add_typer(sandbox_app, name="sandbox")
scaffold_app = typer.Typer(
    help="Skeletons of what the project is extended by.", no_args_is_help=True
)
app.add_typer(scaffold_app, name="scaffold")
lake_app = typer.Typer(help="The lake's files: compact them, verify them.", no_args_is_help=True)
app.add_typer(lake_app, name="lake")
keys_app = typer.Typer(help="Keys of those who may ask the service.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

LOOPBACK = "127.0.0.1"
_DAY_FORMATS = ["%Y-%m-%d"]
Dataset = Annotated[
    Path | None,
    typer.Option(
        help="A dataset folder to use in place of the generated one (sandbox profile).",
        exists=True,
        file_okay=False,
    ),
]


@app.callback()
def _root(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and everything that is logged.")
    ] = False,
) -> None:
    collect_rarely()
    context.obj = debug


@app.command()
def daily(
    context: typer.Context,
    day: Annotated[
        datetime | None,
        typer.Option(formats=_DAY_FORMATS, help="The UTC day; default: the last complete one."),
    ] = None,
    dataset: Dataset = None,
) -> None:
    """Extract a day, build the marts, check them and publish them."""
    with _command(context) as (settings, progress, console):
        from assets.command import workflows

        done = workflows.daily(settings, progress, day=_date(day), dataset=dataset)
        _show_published(console, done, settings, progress.took())


@app.command()
def backfill(
    context: typer.Context,
    first: Annotated[datetime, typer.Option("--from", formats=_DAY_FORMATS, help="First UTC day.")],
    last: Annotated[
        datetime, typer.Option("--to", formats=_DAY_FORMATS, help="Last UTC day, inclusive.")
    ],
    dataset: Dataset = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Walk day by day, each as if it were today, so that restatements are seen.",
        ),
    ] = False,
) -> None:
    """Extract a range of days in a single run (or replay it), build, check and publish."""
    with _command(context) as (settings, progress, console):
        from assets.command import workflows

        window = _range(first, last)
        if replay:
            done = workflows.replay(settings, progress, window, dataset=dataset)
        else:
            done = workflows.backfill(settings, progress, window, dataset=dataset)
        _show_published(console, done, settings, progress.took())


@app.command()
def repair(
    context: typer.Context,
    dataset: Dataset = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked for, and ask nothing.")
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="Ask again for a whole range, missing or not.")
    ] = False,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY_FORMATS, help="First UTC day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY_FORMATS, help="Last UTC day, inclusive.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="This source alone.")] = None,
) -> None:
    """Ask again for missing days that can still be had (ops_gap), and for nothing else.

    With --reread: for a range of days that may have been restated since.
    """
    with _command(context) as (settings, progress, console):
        from assets.command import ui, workflows
        from pipelines.core.settings import SettingsError
        from pipelines.lake.repair import gap_requests, rereads

        window = _range(first, last) if first and last else None
        if reread != (window is not None) or (source is not None and not reread):
            raise SettingsError("--reread, --from and --to go together, --source goes with them")
        if dry_run:
            wanted = rereads(settings, window, source) if window else gap_requests(settings)
            ui.show_gap_requests(console, wanted, "To be asked for")
            return
        if window is not None:
            done = workflows.reread(settings, progress, window, source=source, dataset=dataset)
        else:
            done = workflows.repair_gaps(settings, progress, dataset=dataset)
        ui.show_gap_requests(console, done.gap_requests, "Asked for again")
        if done.published is not None:
            ui.show_gap_requests(console, done.remaining, "Still missing, and still to be had")
            _show_published(console, done.published, settings, progress.took())


@app.command()
def rebuild(
    context: typer.Context,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=[*_DAY_FORMATS, "%Y-%m-%dT%H:%M:%SZ"],
            help="Build the marts as they could have been built at this UTC instant.",
        ),
    ] = None,
) -> None:
    """Delete the warehouse and build it again from the lake. Publishes nothing."""
    with _command(context) as (settings, progress, console):
        from assets.command import workflows

        instant = as_of.replace(tzinfo=UTC) if as_of else None
        outcome = workflows.rebuild(settings, progress, as_of=instant)
        console.print(
            f"\nRebuilt from the lake (run {outcome.run_id}). `tokenmart publish` publishes it."
        )


@app.command()
def publish(context: typer.Context) -> None:
    """Check the warehouse as it is, and publish it."""
    with _command(context) as (settings, progress, console):
        from assets.command import workflows

        done = workflows.publish(settings, progress)
        _show_published(console, done, settings, progress.took())


@app.command("site")
def make_site(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Option(help="Of this publication; default: the current one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder; default: beside its marts.")
    ] = None,
) -> None:
    """Make the pages of a publication, to be opened from disk or served."""
    with _command(context) as (settings, _progress, console):
        from pipelines import site
        from pipelines.publishing.manifest import SITE_DIR

        folder = settings.published_dir / _published_version(settings, version)
        made = site.make(folder, out or folder / SITE_DIR)
        console.print(
            f"{made.pages:,} pages, {made.bytes / 1e6:.1f} MB, in {made.seconds:.1f} s: "
            f"{made.index.resolve().as_uri()}",
            soft_wrap=True,
        )


@app.command()
def demo(context: typer.Context) -> None:
    """Look at what is published: its pages, made if need be (and the market, too), and opened."""
    with _command(context) as (settings, progress, console):
        import webbrowser

        from pipelines import site
        from pipelines.publishing.manifest import SITE_DIR
        from pipelines.publishing.pointer import current_version

        if current_version(settings.published_dir) is None:
            from assets.command import workflows

            workflows.daily(settings, progress, day=None, dataset=None)
        folder = settings.published_dir / _published_version(settings, None)
        index = folder / SITE_DIR / site.INDEX
        if not index.is_file():
            site.make(folder, index.parent)
        address = index.resolve().as_uri()
        console.print(f"The pages: {address}", soft_wrap=True)
        if console.is_terminal:
            webbrowser.open(address)


@app.command()
def rollback(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option(help="The version; default: the one before the current one.")
    ] = None,
) -> None:
    """Make an earlier publication the current one again."""
    with _command(context) as (settings, _progress, console):
        from pipelines import publishing

        manifest = publishing.rollback(settings, to)
        console.print(
            f"Current publication: {manifest.version}, newest day {manifest.newest_day}, "
            f"published {manifest.published_at:%Y-%m-%d %H:%M} UTC"
        )


@app.command()
def mirror(context: typer.Context) -> None:
    """Copy the current publication to the PostgreSQL database of TOKENMART_MIRROR_URL."""
    with _command(context) as (settings, progress, console):
        from pipelines import publishing

        current = publishing.current(settings)
        if current is None:
            raise publishing.PublishError("nothing is published yet")
        progress.begin("Copy to PostgreSQL")
        is_new = publishing.mirror(settings, current)
        progress.end(f"{current.rows:,} rows" if is_new else "it is there already")
        console.print(f"Current publication in PostgreSQL: {current.version}")


@app.command()
def diff(
    context: typer.Context,
    old: Annotated[
        str | None,
        typer.Argument(help="The older publication's version; default: the one before."),
    ] = None,
    new: Annotated[
        str | None, typer.Argument(help="The newer one's; default: the current publication.")
    ] = None,
) -> None:
    """Say what changed from one publication to another: rows, columns and keys of each mart."""
    with _command(context) as (settings, _progress, console):
        from assets.command import ui
        from pipelines import publishing

        current = publishing.current(settings)
        if current is None:
            raise publishing.PublishError("nothing is published yet")
        before, after = old or current.replaces, new or current.version
        if before is None:
            raise publishing.PublishError(f"{after} is the first publication: none came before it")
        ui.show_diff(console, publishing.diff(settings, before, after), before, after)


@app.command()
def canary(context: typer.Context) -> None:
    """Build the lake with this code, beside what is published, and say what would change."""
    with _command(context) as (settings, progress, console):
        from assets.command import ui, workflows
        from pipelines import publishing

        made = workflows.canary(settings, progress)
        old, new = made.before.version, made.after.version
        ui.show_diff(console, publishing.diff(made.settings, old, new), old, new)
        if made.before.content_hash != made.after.content_hash:
            console.print(f"This code publishes something else: see {made.settings.data_dir}")
            raise typer.Exit(1)
        console.print("This code publishes the same, to the last bit")


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say how things stand: sources, newest day, last run, last publication, failing checks."""
    with _command(context) as (settings, _progress, console):
        from assets.command import ui
        from assets.command.status import status as read_status

        found = read_status(settings)
        if as_json:
            console.print(found.model_dump_json(indent=2), soft_wrap=True)
        else:
            ui.show_status(console, found)


@app.command()
def timeline(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(help="The run's id or its beginning; default: the newest.")
    ] = "",
) -> None:
    """Draw where a run's time went, by stage and source."""
    with _command(context) as (settings, _progress, console):
        from assets.account import account_of, newest_run
        from assets.command import runs
        from assets.timeline import draw
        from pipelines.core.settings import SettingsError

        with runs.open_instance(settings) as instance:
            run_id = newest_run(instance, run)
            account = account_of(instance, run_id) if run_id is not None else None
        if account is None:
            raise SettingsError(f"there is no run {run}" if run else "no run has begun yet")
        for line in draw(account):
            console.print(line, soft_wrap=True)


@app.command()
def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where backups are, outside of the data folder.")],
    with_publications: Annotated[
        bool, typer.Option("--with-publications", help="The publications as well.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(min=1, help="So many backups stay there; default: all.")
    ] = None,
) -> None:
    """Copy what cannot be made again: the lake with its ledgers, and what is not well."""
    with _command(context) as (settings, progress, console):
        from pipelines.backup import back_up

        progress.begin("Back up")
        done = back_up(settings, folder, with_publications=with_publications, keep=keep)
        progress.end(
            f"{len(done.backup.files):,} files, {done.backup.byte_count / 1e6:,.1f} MB; "
            f"{done.copied_files:,} of them copied, {done.copied_bytes / 1e6:,.1f} MB"
        )
        console.print(f"backup {done.backup.name} in {folder}, {done.forgotten} older ones dropped")


@app.command()
def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where backups are.")],
    name: Annotated[str | None, typer.Option(help="The backup; default: the newest.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare every byte of it, and write nothing.")
    ] = False,
) -> None:
    """Make an empty data folder what it was when a backup was made, after comparing every byte."""
    with _command(context) as (settings, progress, console):
        from pipelines.backup import restore as bring_back

        progress.begin("Compare" if dry_run else "Restore")
        done = bring_back(settings, folder, name=name, dry_run=dry_run)
        held = f"{len(done.backup.files):,} files, {done.backup.byte_count / 1e6:,.1f} MB"
        progress.end(f"{held} of {done.name}, all as they were written")
        if done.rows is not None:
            console.print(
                f"The lake has {done.rows:,} rows, each file as it was landed. "
                "`tokenmart rebuild` and `tokenmart publish` make the rest from it."
            )


@app.command()
def notify(context: typer.Context) -> None:
    """Send a trial message to every channel that hears of incidents."""
    with _command(context) as (settings, _progress, console):
        from assets.command import ui
        from pipelines.monitoring import notifier

        if not ui.show_trial(console, notifier.try_out(settings)):
            raise typer.Exit(1)


@app.command()
def research(
    context: typer.Context,
    panel: Annotated[
        Path | None,
        typer.Argument(
            help="A publication (.duckdb), a dataset folder or a Parquet file of daily bars; "
            "default: the current publication.",
            exists=True,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables, charts and the page.")
    ] = None,
    trials: Annotated[
        Path | None, typer.Option(help="Ledger of trials; default: docs/research/trials.csv.")
    ] = None,
    horizons: Annotated[
        str,
        typer.Option(help="Days ahead to judge, with commas; trials made over them are chosen."),
    ] = "1,7,14,28",
    thresholds: Annotated[
        bool,
        typer.Option(
            "--thresholds",
            help="Judge thresholds of the signal instead and, of a publication, stops and targets.",
        ),
    ] = False,
) -> None:
    """Judge factors, grades and every trial so far by the returns that followed."""
    with _command(context) as (settings, progress, console):
        from dataclasses import replace

        from assets.command import ui
        from pipelines.research import bench, decisions, decisions_report, report
        from pipelines.research.panel import read_panel
        from pipelines.research.trials import read_trials

        seeds = settings.dbt_dir / "seeds"
        ledgers = settings.dbt_dir.parent / "docs" / "research"
        ledger = trials or ledgers / "trials.csv"
        path = panel or settings.published_dir / "tokenmart.duckdb"
        progress.begin("Read")
        given = read_panel(path, seeds=seeds)
        progress.end(f"{len(given.grid.assets)} assets, {len(given.grid.days):,} days")
        folder = out or settings.data_dir / "research" / given.name
        if thresholds:
            progress.begin("Decide")
            decided = [decisions.thresholds(given, ledgers / "threshold_trials.csv", seeds=seeds)]
            if path.suffix == ".duckdb":
                plan_ledger = ledgers / "plan_trials.csv"
                decided.append(decisions.plans(path, plan_ledger, seeds=seeds))
            progress.end(f"{sum(one.trials.height for one in decided)} trials")
            answers = {one.question: decisions_report.headline(one) for one in decided}
            page = decisions_report.write(decided, given.name, folder)
            ui.show_research(console, answers, given.warning, page)
            return
        progress.begin("Judge")
        found = bench.run(
            given,
            read_trials(ledger),
            seeds=seeds,
            parameters=replace(bench.PARAMETERS, horizons_d=bench.read_horizons(horizons)),
        )
        progress.end(f"{found.quality['measure'].n_unique()} measures")
        page = report.write(found, given, folder)
        headlines = {
            f"Returns of {days} days, fifths": report.headline(found.quality, days)
            for days in report.horizons(found)
        }
        ui.show_research(console, headlines, found.warning, page)


@app.command()
def backtest(
    context: typer.Context,
    rule: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file with the fields of cfg_strategy; default: each rule of it.",
            dir_okay=False,
        ),
    ] = None,
    publication: Annotated[
        Path | None,
        typer.Option(help="Folder or file of a publication; default: the current one."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for trades and the page.")] = None,
) -> None:
    """Trade a rule of your own, or all that are published, on a publication, after costs."""
    with _command(context) as (settings, progress, console):
        from assets.command import ui
        from pipelines.research import backtest_report
        from pipelines.research.backtest import publication as published
        from pipelines.research.backtest import published_rules, read_rule, run

        seeds = settings.dbt_dir / "seeds"
        wanted = {rule.stem: read_rule(rule)} if rule else published_rules(seeds)
        path = published(publication or settings.published_dir)
        progress.begin("Trade")
        found = [run(name, each, path, seeds=seeds) for name, each in wanted.items()]
        progress.end(f"{sum(one.trades.height for one in found):,} trades")
        folder = settings.data_dir / "backtest" / (rule.stem if rule else "all")
        page = backtest_report.write(found, out or folder)
        for one in found:
            ui.show_backtest(console, one.name, one.summary)
        console.print(f"Trades and charts: {page}")


@app.command()
def dev(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the UI, on this machine only.")] = 3000,
) -> None:
    """Open Dagster's UI with its daemon; in the sandbox profile with a sandbox server."""
    with _command(context, is_service=True) as (settings, progress, console):
        from assets.command import development

        landing_page = development.landing_page(LOOPBACK, port)
        console.print(f"Dagster's UI: {landing_page} (stop with Ctrl-C)", soft_wrap=True)
        raise typer.Exit(
            development.serve(settings, progress, development.development(LOOPBACK, port))
        )


@app.command()
def daemon(context: typer.Context) -> None:
    """Run Dagster's daemon alone, for a supervisor: it starts runs, schedules and sensors."""
    with _command(context, is_service=True) as (settings, progress, _console):
        from assets.command import development

        raise typer.Exit(development.serve(settings, progress, development.daemon()))


@app.command()
def webserver(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address to listen on. The UI asks nobody for a password.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option(help="Port of the UI.")] = 3000,
) -> None:
    """Run Dagster's UI alone, for a supervisor; the runs that it launches the daemon starts."""
    with _command(context, is_service=True) as (settings, progress, _console):
        from assets.command import development

        raise typer.Exit(development.serve(settings, progress, development.webserver(host, port)))


@app.command("serve")
def serve_marts(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the published marts: REST, OpenAPI, events; read-only."""
    with _command(context, is_service=True) as (settings, _progress, console):
        from pipelines.serving import service

        given = {name: value for name, value in {"host": host, "port": port}.items() if value}
        address = service.prepare(settings, given)
        console.print(f"The marts: {address}/v1, documentation: {address}/docs (Ctrl-C stops)")
        service.run(settings, given)


@app.command("mcp")
def serve_tools(context: typer.Context) -> None:
    """Serve the published marts as tools of the Model Context Protocol, over stdio; read-only."""
    with _command(context, is_service=True) as (settings, _progress, _console):
        from pipelines.serving import mcp_server

        mcp_server.run(settings)


@keys_app.command("make")
def make_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who gets it.")],
    sql: Annotated[bool, typer.Option("--sql", help="It may ask in SQL, too.")] = False,
    days: Annotated[int | None, typer.Option(min=1, help="It holds for so many days.")] = None,
) -> None:
    """Make a key and print it: what is kept of it is a hash."""
    with _command(context) as (settings, _progress, console):
        from datetime import timedelta

        from pipelines.core.windows import clock_at
        from pipelines.serving.keys import KeyRing

        now = clock_at(settings.now).now()
        key = KeyRing(settings.keys_path).make(
            name,
            ("read", "sql") if sql else ("read",),
            now,
            now + timedelta(days=days) if days else None,
        )
        console.print(key, soft_wrap=True, highlight=False)


@keys_app.command("list")
def list_keys(context: typer.Context) -> None:
    """List the keys: who has them, what they may, until when."""
    with _command(context) as (settings, _progress, console):
        from pipelines.core.windows import clock_at
        from pipelines.serving.keys import KeyRing

        now = clock_at(settings.now).now()
        keys = KeyRing(settings.keys_path).all()
        for key in keys:
            until = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "without an end"
            state = "holds" if key.holds(now) else "is refused"
            scopes = ", ".join(key.scopes)
            console.print(f"{key.key_id}  {key.name}: {scopes}, {until}; {state}", markup=False)
        if not keys:
            console.print("there are no keys: `tokenmart keys make NAME` makes one")


@keys_app.command("withdraw")
def withdraw_key(
    context: typer.Context, key_id: Annotated[str, typer.Argument(help="As `keys list` says.")]
) -> None:
    """Refuse a key from now on, in running services too."""
    with _command(context) as (settings, _progress, console):
        from pipelines.core.settings import SettingsError
        from pipelines.core.windows import clock_at
        from pipelines.serving.keys import KeyRing

        try:
            key = KeyRing(settings.keys_path).withdraw(key_id, clock_at(settings.now).now())
        except KeyError:
            raise SettingsError(f"there is no key {key_id}: `tokenmart keys list`") from None
        console.print(f"{key.name}'s key {key.key_id} is refused from now on", markup=False)


@lake_app.command()
def compact(context: typer.Context) -> None:
    """Write each raw table's many small files as few: the same rows, the same loads."""
    with _command(context) as (settings, _progress, console):
        from pipelines.lake import upkeep

        done = upkeep.compact(settings)
        console.print(
            f"{len(done.tables)} raw tables compacted: {done.files_before:,} files before, "
            f"{done.files_after:,} now; {done.files_deleted:,} deleted that the last compaction "
            "had replaced"
        )


@lake_app.command()
def verify(context: typer.Context) -> None:
    """Read every file of the lake again and compare it with its hash and rows in the catalog."""
    with _command(context) as (settings, _progress, console):
        from pipelines.lake import upkeep

        found = upkeep.verify(settings)
        for fault in found.faults:
            console.print(f"✗ {fault.path} {fault.problem}", style="red")
        console.print(
            f"{found.files:,} files with {found.rows:,} rows read, {len(found.faults)} faults"
        )
        if found.faults:
            raise typer.Exit(1)


@lake_app.command()
def mend(context: typer.Context) -> None:
    """Go on without files that are not what was landed, and say what can be asked for again."""
    with _command(context) as (settings, _progress, console):
        from pipelines.lake import upkeep
        from pipelines.lake.catalog import describe_loss

        lost = upkeep.mend(settings)
        for line in lost:
            console.print(f"✗ {describe_loss(line)}", style="red")
            if line["oldest_at"] is not None:
                console.print(
                    f"  tokenmart repair --reread --source {line['source']} "
                    f"--from {line['oldest_at']:%Y-%m-%d} --to {line['newest_at']:%Y-%m-%d}"
                )
        console.print(f"{len(lost)} loads are lost; what is left of their files is in lake/damaged")


@scaffold_app.command()
def source(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The new source's, as a package's: bitfinex.")],
    title: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    like: Annotated[str, typer.Option(help="The source that is copied.")] = "gateio",
) -> None:
    """Write the skeleton of a source with its tests: a copy of one that there is."""
    with _command(context) as (_settings, _progress, console):
        from pipelines.declaring.scaffold import scaffold

        for path in scaffold(name, title or name.capitalize(), like):
            console.print(path)
        console.print("It answers as the copied one does: docs/add-a-source.md says what to change")


@sandbox_app.command()
def generate(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write; default: data/sandbox/<name>.")
    ] = None,
    name: Annotated[str, typer.Option(help="The dataset's name.")] = "generated",
    seed: Annotated[int | None, typer.Option(help="Another seed, another market.")] = None,
    start: Annotated[datetime | None, typer.Option(formats=_DAY_FORMATS, help="First day.")] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=_DAY_FORMATS, help="Last complete day.")
    ] = None,
    assets: Annotated[int | None, typer.Option(help="Coins and tokens.")] = None,
    venues: Annotated[int | None, typer.Option(help="Exchanges.")] = None,
    stablecoins: Annotated[int | None, typer.Option(help="Stablecoins.")] = None,
) -> None:
    """Generate a dataset: a market that looks real, with known defects and a known truth."""
    with _command(context) as (settings, progress, console):
        from pydantic import ValidationError

        from pipelines.core.complaints import sentences
        from pipelines.core.settings import SettingsError
        from pipelines.sandbox.generate import GeneratorSettings
        from pipelines.sandbox.generate import generate as make

        chosen = {
            "seed": seed,
            "start": _date(start),
            "end": _date(end),
            "assets": assets,
            "venues": venues,
            "stablecoins": stablecoins,
        }
        given = {key: value for key, value in chosen.items() if value is not None}
        try:
            wanted = GeneratorSettings.model_validate({"name": name, **given})
        except ValidationError as problem:
            options = sentences(problem, GeneratorSettings, lambda path: f"--{path[0]}")
            raise SettingsError("\n".join(options)) from None
        progress.begin("Generate")
        folder = make(wanted, out or settings.data_dir / "sandbox" / name)
        progress.end(f"{wanted.assets} assets, {wanted.day_count:,} days")
        console.print(f"dataset: {folder}")


@sandbox_app.command()
def serve(
    dataset: Annotated[Path, typer.Option(exists=True, file_okay=False, help="Dataset folder.")],
    port: Annotated[int, typer.Option(help="Port on this machine; 0: a free one.")] = 0,
    now: Annotated[
        str | None, typer.Option(help="The server's clock (ISO); default: the dataset's.")
    ] = None,
) -> None:
    """Serve a dataset in the sources' own wire formats, on this machine only."""
    arguments = ["serve", "--dataset", str(dataset), "--port", str(port)]
    if now is not None:
        arguments += ["--now", now]
    command = [sys.executable, "-m", "pipelines.sandbox", *arguments]
    # in place of this process: one to be stopped, and not two
    os.execv(command[0], command)  # noqa: S606  # this very interpreter


def _published_version(settings: Settings, wanted: str | None) -> str:
    """Return the name of a kept publication: the one that is wanted, or the current one."""
    from pipelines import publishing
    from pipelines.publishing.pointer import current_version

    kept = tuple(manifest.version for manifest in publishing.publications(settings))
    version = wanted or current_version(settings.published_dir)
    if version is None:
        raise publishing.PublishError("nothing is published yet: run `tokenmart daily` first")
    if version not in kept:
        raise publishing.PublishError(
            f"there is no whole publication {version} (kept: {', '.join(kept) or 'none'})"
        )
    return version


def _range(first: datetime, last: datetime) -> Window:
    from pipelines.core.settings import SettingsError
    from pipelines.core.windows import Window

    if last < first:
        raise SettingsError(f"--to {last.date()} is before --from {first.date()}")
    return Window.between(first.date(), last.date())


def _date(value: datetime | None) -> date | None:
    return value.date() if value is not None else None


@contextmanager
def _command(
    context: typer.Context, *, is_service: bool = False
) -> Iterator[tuple[Settings, TerminalProgress, Console]]:
    """Give a command its settings, progress and console, and turn errors into messages.

    Args:
        context: the command.
        is_service: it prints for itself, and decides itself how it is stopped.
    """
    debug = bool(context.obj)
    from assets.command import interruption, ui

    console = ui.make_console()
    progress = ui.TerminalProgress(console)
    log: Path | None = None
    settings: Settings | None = None
    try:
        from pipelines.core import logs
        from pipelines.core.settings import get_settings

        settings = get_settings()
        logs.configure(settings.log_format)
        with ExitStack() as stack:
            if not is_service:
                stack.enter_context(interruption.ending_at_once())
                stack.enter_context(interruption.before_the_end(progress.interrupt))
                if not debug:
                    log = settings.data_dir / "logs" / f"{context.info_name}.log"
                    stack.enter_context(ui.output_to(log))
                if settings.log_format == "json":
                    stack.enter_context(redirect_stdout(cast("IO[str]", logs.Lines())))
            yield settings, progress, console
    except typer.Exit:
        raise
    except Exception as problem:
        progress.close("failed")
        if debug:
            raise
        ui.show_failure(console, _problems(problem), _published(settings), log)
        raise typer.Exit(1) from None


def _problems(problem: Exception) -> list[tuple[str, str]]:
    """Return (what failed, why) for people."""
    if type(problem).__name__ == "RunFailed":
        from assets.command.runs import RunFailed

        if isinstance(problem, RunFailed):
            return [(trouble.stage, trouble.reason) for trouble in problem.troubles]
    name = type(problem).__name__
    known = {
        "BackupError": "the backup",
        "DatasetError": "the dataset",
        "FileDamaged": "a damaged file",
        "GateFailed": "the gate",
        "GenerateError": "generating the dataset",
        "InstanceUnusable": "Dagster's record of runs",
        "LakeDamaged": "the lake's files",
        "ManifestMissing": "loading the dbt project",
        "NotASite": "the pages",
        "PublishError": "publishing",
        "ResearchError": "the research bench",
        "ScaffoldError": "the skeleton",
        "SettingsError": "the settings",
        "UpkeepError": "the lake's files",
        "UniverseError": "the curated identities",
        "WarehouseLocked": "opening the warehouse",
    }
    if name in known:
        return [(known[name], str(problem))]
    if isinstance(problem, OSError) and problem.strerror is not None:
        where = f"{problem.filename}: " if problem.filename is not None else ""
        what_holds = "What was kept is as it was: run the command again when it can be written."
        return [("a file", f"{where}{problem.strerror}\n{what_holds}")]
    return [("something unforeseen", f"{name}: {problem}\nMore with: tokenmart --debug …")]


def _published(settings: Settings | None) -> Manifest | FileDamaged | None:
    from pipelines import publishing

    try:
        return publishing.current(settings) if settings is not None else None
    except FileDamaged as problem:
        return problem


def _show_published(console: Console, done: Published, settings: Settings, took: str) -> None:
    from assets.command import ui
    from pipelines import publishing

    ui.show_publication(console, done.manifest, settings.published_dir / done.manifest.database)
    ui.show_first_look(console, publishing.FIRST_QUERY, publishing.first_look(settings))
    console.print(f"\nAll of it took {took}.")
