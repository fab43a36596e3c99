"""Pure Polars functions of the market: LazyFrame in, LazyFrame out.

What a window function of SQL cannot say well lives here: recursive indicators, state machines
and clustering. Window statistics are SQL; those that stand here too are the pieces that the
recursive ones are made of, and an independent second opinion on the SQL.

Contracts that every function keeps:

* **Grain.** One row per (entity, day). The entity column is ``asset_id`` unless a function says
  otherwise. Row order and the presence of other assets do not matter; the answer is sorted by
  entity and day. A function either adds columns to the rows that it was given, or says which rows
  it returns.
* **Calendar.** A window of n days is n calendar days. A day without a row is a day whose values
  are NULL, and so is a value that is NaN or infinite.
* **Causality.** Row d depends on rows up to d only: f(data up to D) = f(data) up to D.
* **Independence.** Each asset is treated for itself, save the cross-sections in ``scoring`` and
  ``momentum`` and the baskets in ``regime``.
* **NULL.** Unknown stays NULL; no NaN and no infinity leaves a function.
* **Repeatable.** The same frames give the same bits, however many threads add them up.
* **Numbers.** Thresholds, weights and window lengths are arguments; their values are seeds.

State machines step through the days once, with all assets side by side in NumPy vectors; the
swing levels step through the ordinal of an asset's swings in the same way. Nothing loops over
rows or assets.
"""

import polars as pl

# Polars' default engine adds the rows of a group in the order in which its threads bring them, and
# sums of floats differ in their last digits then; a warehouse that is rebuilt must not
pl.Config.set_engine_affinity("in-memory")
