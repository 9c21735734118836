"""What Google grants this deployment, and whether Drive is listened to."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GoogleRules:
    """Reads per minute of each account and of its project (Google Workspace, "Sheets API usage limits")."""

    account_reads_per_minute: int = 60
    project_reads_per_minute: int = 300
    hints: bool = False
