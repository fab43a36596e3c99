"""Where a command is, by what it has said: what kills are aimed and counted by."""

from pathlib import Path

from tests.chaos import stages
from tests.chaos.stages import Ear

_SAID = (
    (
        stages.START,
        "· Start the sandbox with chaos …\n✓ Start the sandbox with chaos: up (2.8 s)\n",
    ),
    (stages.START, "History, once: 2024-01-01..2024-04-07\n"),
    (stages.LANDING_HISTORY, "· Extract …\n  bybit: 1,235 rows in 11 of 46 planned requests\n"),
    (stages.LANDING_HISTORY, "✓ Extract: 87,547 rows of 19 sources in 540 requests (78.5 s)\n"),
    (stages.LANDING_DAY, "Day: 2024-04-08\n· Extract …\n"),
    (stages.DBT_START, "· Build the warehouse with dbt …\n"),
    (stages.GATE, "· Check contracts and invariants …\n"),
    (stages.PUBLICATION, "· Publish …\n"),
    (stages.OVER, "✓ Publish: version v, 87,807 rows (135.3 s)\n"),
)
_NODES = (
    (stages.SEEDS, "2 of 773 START seed file curated.cfg_ops [RUN]"),
    (stages.HISTORY, "3 of 773 START sql incremental model history.hist_gold__rate [RUN]"),
    (stages.STAGING, "4 of 773 START sql view model staging.stg_gold__rate [RUN]"),
    (stages.INTERMEDIATE, "5 of 773 START python table model intermediate.int_levels [RUN]"),
    (stages.TESTS, "6 of 773 START test not_null_price_daily_day [RUN]"),
    (stages.MARTS, "7 of 773 START sql table model marts.price_daily [RUN]"),
)


def test_each_stage_is_heard(tmp_path: Path) -> None:
    output, log = tmp_path / "out", tmp_path / "log"
    log.write_text("1 of 773 START sql table model marts.of_an_earlier_run [RUN]\n")
    output.touch()
    ear = Ear(output, log)
    for stage, said in _SAID:
        with output.open("a") as file:
            file.write(said)
        assert ear.stage() == stage
        if stage == stages.DBT_START:
            for layer, node in _NODES:
                with log.open("a") as file:
                    file.write(f"{node}\n")
                assert ear.stage() == layer
