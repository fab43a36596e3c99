"""Token Metrics' wire format over the marts, under `/v2`: their published clients work unchanged.

wire.py      which of their fields is which column of ours: a table
routes.py    the addresses, their parameters and their envelope

What is certain: paths, parameters, chunks of 29 days and the limits that are always sent (read in
their Python client, `tmai-api` 0.4.0), the envelope and the names of the fields of tokens, OHLCV,
grades, signals, market metrics, levels, correlations, quant metrics and indices (the types of their
open-source MCP server and TypeScript SDK), and of `trader-indices` (their guide). `endDate` is
included (their documented example), and the newest rows come first (public programs ask for
`limit=1` to have the latest).

What is not: whether a page is counted from 0 or from 1 (their client sends 0 for the first and
their documentation says 1; here it is 0), whether `24H`, `7D`, `1M` and `ALL_TIME` of an index are
percents (here they are), the sign of `DAILY_VALUE_AT_RISK` (here a loss is positive, as in the
mart), the windows behind `SHARPE` and its neighbours (here those of the mart's columns), and which
date belongs to a level (here its newest swing). The numbers are ours: a grade here is not theirs.
"""

from pipelines.serving.tokenmetrics.routes import router_of

__all__ = ["router_of"]
