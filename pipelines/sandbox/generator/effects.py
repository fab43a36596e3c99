"""What is worth knowing in the generated market: effects of a chosen size, and so a known truth.

An effect moves prices by what was known the day before, on top of chance. At size 0 it is absent,
and whoever finds it has found chance.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from pipelines.sandbox.dataset import Effect


class Effects(BaseModel):
    """Sizes of the effects, in daily log returns unless they say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calm_drift: float = Field(
        default=0.002, description="what half the usual volatility earns a day, and twice loses"
    )
    reversal: float = Field(
        default=0.004,
        ge=0,
        le=0.05,
        description="share of an asset's own move of the last week that it gives back a day",
    )
    reversion: float = Field(
        default=0.012, ge=0, le=0.5, description="share of its own level that it gives back a day"
    )
    narrative_drift: float = Field(
        default=0.0006, ge=0, description="standard deviation of the drift of a sector"
    )
    narrative_halflife_d: int = Field(
        default=30, ge=1, description="days after which half of a sector's drift is left"
    )
    weekday_drift: float = Field(
        default=0.002, ge=0, description="standard deviation of an asset's drifts by weekday"
    )
    tail_freedom: float = Field(
        default=4.0, gt=2, description="degrees of freedom of the shocks: the fewer, the fatter"
    )
    half_cap_usd: float = Field(
        default=1e10,
        gt=0,
        description="market cap at which half of an asset's drifts is left: large ones are watched",
    )
    delistings: int = Field(
        default=0, ge=0, description="numbered assets that fall for ten days and are delisted"
    )

    def truth(self) -> list[Effect]:
        """Each effect that a factor can find."""
        calm = (self.calm_drift > 0) - (self.calm_drift < 0)
        return [
            Effect(name=name, size=size, factor=factor, horizon_d=days, sign=sign if size else 0)
            for name, size, factor, days, sign in (
                ("calm_drift", self.calm_drift, "volatility_30d", 7, calm),
                ("reversal", self.reversal, "return_7d", 7, 1),
                ("reversion", self.reversion, "return_90d", 7, 1),
                ("narrative_drift", self.narrative_drift, "return_28d", 7, -1),
                ("weekday_drift", self.weekday_drift, "weekday_26w", 1, 1),
            )
        ]
