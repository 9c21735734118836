"""Who asks: what a server's owner reads in a log."""


def user_agent(contact: str) -> str:
    """Name the program, and whom to ask about it."""
    return f"sheet-monitor-fleet ({contact})" if contact else "sheet-monitor-fleet"
