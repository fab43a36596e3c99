"""Copies of what cannot be made again: the lake, incidents, keys, and publications if wanted.

    back_up(settings, folder) -> Saved
    restore(settings, folder) -> Restored

What is derived (the warehouse, dbt's and Dagster's folders) is in no backup.
"""

from pipelines.backup.restoring import Restored, restore
from pipelines.backup.saving import Saved, back_up
from pipelines.backup.store import BackupError

__all__ = ["BackupError", "Restored", "Saved", "back_up", "restore"]
