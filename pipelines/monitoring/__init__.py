"""Whether all is well, and who hears of it when it is not.

`freshness` says how old the data are, `incidents` what is news (pure), `channels` where news go,
`notifier` puts them together: it remembers what is open, and what was sent.
"""
