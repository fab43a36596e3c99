"""What may be chosen about a generated market."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.sandbox.generator.effects import Effects
from pipelines.sandbox.generator.exchanges import EXCHANGES

# every planted defect needs room around it
MIN_DAYS = 90
MIN_ASSETS = 15
MIN_STABLECOINS = 7


class GeneratorSettings(BaseModel):
    """Sizes and the seed of a generated market; the same settings give the same market."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "generated"
    seed: int = Field(default=7, ge=0)
    start: date = Field(default=date(2023, 11, 1), description="first day")
    end: date = Field(default=date(2026, 10, 31), description="last complete day, inclusive")
    assets: int = Field(
        default=73, ge=MIN_ASSETS, le=20_000, description="coins and tokens, stablecoins apart"
    )
    venues: int = Field(default=3, ge=1, le=len(EXCHANGES), description=", ".join(EXCHANGES))
    perpetuals: int = Field(
        default=10, ge=0, description="assets with perpetual contracts, the largest first"
    )
    stablecoins: int = Field(default=12, ge=MIN_STABLECOINS, le=500)
    protocols: int = Field(
        default=28, ge=0, le=5_000, description="DeFi protocols, the chains' gas fees among them"
    )
    effects: Effects = Effects()

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.day_count < MIN_DAYS:
            raise ValueError(
                f"{self.start} to {self.end} are {self.day_count} days; "
                f"the planted defects need {MIN_DAYS}"
            )
        return self

    @property
    def day_count(self) -> int:
        """How many complete days."""
        return (self.end - self.start).days + 1

    @property
    def days(self) -> list[date]:
        """The complete days and the running one after them."""
        return [self.start + timedelta(days=number) for number in range(self.day_count + 1)]
