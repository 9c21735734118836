"""
What is asked of a stack that calls itself production, beyond what any stack may be.

Each of these is a way in which somebody lost data, money or sleep; a development stack may do without.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stack.reading import WrongSettingError

if TYPE_CHECKING:
    from stack.settings import Settings

#: One of them may die, or be moved by AWS, and somebody still polls.
COUNT_MIN = 2
HISTORY_DAYS_MIN = 7
#: Spot goes away in whole waves: what stays must be able to poll everything, late but all of it.
SPOT_PERCENT_MAX = 80
_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


def check(settings: "Settings") -> None:
    """Refuse a production stack that is not one; all that is wrong at once, each by its key."""
    wrong = list(_wrong(settings)) if settings.production else []
    if wrong:
        raise WrongSettingError("; ".join(f"production: {text}" for text in wrong))


def _wrong(settings: "Settings") -> Iterator[str]:
    if not settings.protect:
        yield "protect must not be false: `pulumi destroy` would delete sources and documents"
    if not settings.alarm_email:
        yield "alarmEmail is missing: nobody would hear an alarm"
    if settings.worker_image and not _DIGEST.fullmatch(settings.worker_image):
        yield "workerImage must end in @sha256:…: a tag may be another image tomorrow"
    if settings.external_count < COUNT_MIN:
        yield f"externalCount must be at least {COUNT_MIN}: one worker may die at any time"
    if settings.history_days < HISTORY_DAYS_MIN:
        yield f"historyDays must be at least {HISTORY_DAYS_MIN}: who was away for a week could not follow on"
    if settings.spot_percent > SPOT_PERCENT_MAX:
        yield f"spotPercent must be at most {SPOT_PERCENT_MAX}: spot capacity ends in waves"
    if settings.allow_private_targets:
        yield "allowPrivateTargets must not be set: sources could read the network that workers run in"
    if not all(origin.startswith("https://") for origin in settings.dashboard_origins):
        yield "dashboardOrigins must begin with https://: a token must never travel in the clear"
