"""One stage of a daily run, alone in its process (started by `benchmarks.measure`)."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from assets.dbt_project import contracts
from pipelines import publishing, sources, validation
from pipelines.core.settings import child_environment, get_settings
from pipelines.core.windows import Window, clock_at
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog

RUN_ID = "benchmark"


def extract(first: str, last: str) -> None:
    """Land all sources for the days `first` to `last`."""
    from datetime import date

    settings = get_settings()
    window = Window.between(date.fromisoformat(first), date.fromisoformat(last))
    rows = 0
    for name in sources.SOURCES:
        report = landing.land(name, window, settings, clock_at(settings.now), RUN_ID)
        if report.failures:
            raise SystemExit(f"{name}: {report.failures}")
        rows += sum(report.rows.values())
    print(f"rows={rows}")


def transform() -> None:
    """Build the warehouse: one `dbt build`, as a run does it."""
    settings = get_settings()
    write_catalog(settings)
    target = settings.data_dir / "dbt-benchmark"
    environment = child_environment(
        data_dir=settings.data_dir, curation_dir=settings.curation_dir
    ) | {
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    dbt = Path(sys.executable).with_name("dbt")
    subprocess.run(
        [
            str(dbt),
            "build",
            "--quiet",
            "--exclude-resource-type",
            "unit_test",
            "--project-dir",
            str(settings.dbt_dir),
            "--profiles-dir",
            str(settings.dbt_dir),
        ],
        env=environment,
        check=True,
    )


def gate(first: str, last: str) -> None:
    """Check contracts and invariants of the built marts."""
    from datetime import date

    settings = get_settings()
    results = validation.check_all(
        settings,
        clock_at(settings.now),
        RUN_ID,
        Window.between(date.fromisoformat(first), date.fromisoformat(last)),
        contracts(),
        {},
    )
    print(f"rows={len(results)}")
    for result in results:
        if not result.is_passed:
            print(result)


def publish() -> None:
    """Publish the marts as a new version."""
    settings = get_settings()
    manifest = publishing.publish(settings, clock_at(settings.now), RUN_ID, [], contracts())
    print(f"rows={manifest.rows}")


def _peak_kib() -> int:
    """The most memory of this process or of one that it started.

    Its own from the kernel's file: `getrusage` counts what the parent had when it was started.
    """
    status = Path("/proc/self/status").read_text()
    own = int(status.partition("VmHWM:")[2].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


if __name__ == "__main__":
    stages = {"extract": extract, "transform": transform, "gate": gate, "publish": publish}
    stages[sys.argv[1]](*sys.argv[2:])
    print(f"peak_kib={_peak_kib()}")
