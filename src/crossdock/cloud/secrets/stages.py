"""How staging labels move between versions: pure, and a label is always on one version at most.

Source: Secrets Manager User Guide, "What's in a secret", version; API Reference, PutSecretValue, VersionStages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from crossdock.cloud.secrets.records import CURRENT, PREVIOUS, Version

MAX_VERSIONS = 100
MAX_STAGES_OF_ALL = 20

Versions = Mapping[str, Version]


class TooManyVersions(Exception):
    """A hundred versions, and every one of them has a label."""


def with_new_version(versions: Versions, version_id: str, stages: Sequence[str], now: datetime) -> Versions:
    """The versions once a new one has taken these labels. When there are too many, the oldest without a label goes."""
    added = {**versions, version_id: Version(created_at=now)}
    for stage in stages:
        added = dict(with_stage_at(added, stage, version_id))
    while len(added) > MAX_VERSIONS:
        unlabelled = [known for known, version in added.items() if not version.stages]
        if not unlabelled:
            raise TooManyVersions
        del added[min(unlabelled, key=lambda known: added[known].created_at)]
    return added


def with_stage_at(versions: Versions, stage: str, version_id: str) -> Versions:
    """The versions once a label has moved to one of them. AWSCURRENT leaves AWSPREVIOUS where it was."""
    before = next((known for known, version in versions.items() if stage in version.stages), None)
    moved = _attached(without_stage(versions, stage), stage, version_id)
    if stage == CURRENT and before is not None and before != version_id:
        moved = _attached(without_stage(moved, PREVIOUS), PREVIOUS, before)
    return moved


def without_stage(versions: Versions, stage: str) -> Versions:
    return {
        known: replace(version, stages=tuple(held for held in version.stages if held != stage))
        for known, version in versions.items()
    }


def _attached(versions: Versions, stage: str, version_id: str) -> Versions:
    version = versions[version_id]
    return {**versions, version_id: replace(version, stages=(*version.stages, stage))}
