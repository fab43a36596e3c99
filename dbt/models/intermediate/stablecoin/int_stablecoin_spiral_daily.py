"""Whether the asset behind a stablecoin is being printed to save its peg."""


def model(dbt, session):  # noqa: ARG001
    from pipelines.analytics.depeg import death_spiral
    from pipelines.analytics.parameters import newest_version

    seed = newest_version(dbt.ref("cfg_death_spiral").pl())
    frame = dbt.ref("int_stablecoin_spiral_input_daily").pl().lazy()
    flagged = death_spiral(
        frame,
        off_peg_bps=seed["off_peg_bps"],
        supply_growth_3d=seed["supply_growth_3d_frac"],
        cover_floor_x=seed["cover_floor_x"],
        crash_3d=seed["crash_3d_frac"],
    )
    wanted = ("stablecoin_id", "day", "reflexive_mint", "backing_cover_x", "death_spiral_flag")
    return flagged.select(wanted).collect().to_arrow()
