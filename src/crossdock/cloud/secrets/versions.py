"""How versions and their stages move: pure.

Source: Secrets Manager User Guide, "What's in a Secrets Manager secret?", versions and staging labels.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from crossdock.cloud.secrets.records import CURRENT, MAX_VERSIONS, PREVIOUS, SecretRecord, VersionRecord


def with_version(secret: SecretRecord, version: VersionRecord, stages: Sequence[str], *, now: datetime) -> SecretRecord:
    """The secret with a new version that has these stages; every stage leaves the version that had it.

    When AWSCURRENT moves, the version that had it becomes AWSPREVIOUS. Of the versions without any stage only the newest
    are kept, 100 versions in all.
    """
    moving = set(stages)
    losing = secret.staged(CURRENT) if CURRENT in moving else None
    if losing is not None:
        moving.add(PREVIOUS)
    kept = [
        replace(
            old,
            stages=(
                *(stage for stage in old.stages if stage not in moving),
                *((PREVIOUS,) if old is losing else ()),
            ),
        )
        for old in secret.versions
    ]
    return replace(secret, versions=_pruned([*kept, replace(version, stages=tuple(stages))]), changed_at=now)


def _pruned(versions: list[VersionRecord]) -> tuple[VersionRecord, ...]:
    surplus = len(versions) - MAX_VERSIONS
    kept: list[VersionRecord] = []
    for version in versions:
        if surplus > 0 and not version.stages:
            surplus -= 1
        else:
            kept.append(version)
    return tuple(kept)
