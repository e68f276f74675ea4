"""The steps of `explain` as they are noted, one after the other, until one ends the walk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from crossdock.core.errors import Unavailable
from crossdock.core.logins import Password
from crossdock.core.masking import mask
from crossdock.files.explanations import Outcome, Step
from crossdock.policy.decision import Decision, Verdict

_TO_READ_IT = (
    "replace the policy that cannot be read, which the service's log names; until then whatever depends on it is denied"
)


class Stopped(Exception):
    """The step that was noted last ends the walk: nothing behind it would be reached."""


@dataclass(slots=True)
class Steps:
    """`secret` is left out of every reason. What is `not_seen` may matter besides the steps."""

    secret: Password | None = None
    noted: list[Step] = field(default_factory=list)
    not_seen: list[str] = field(default_factory=list)

    def note(self, step: Step) -> None:
        """Raises Stopped for what stands in the way, where no policy does."""
        if self.secret is not None:
            step = replace(step, reason=mask(step.reason, self.secret.value))
        if step.decision is not None and step.decision.verdict is Verdict.UNKNOWN:
            step = replace(step, remedy=_to_read(step.decision))
        # What comes from elsewhere may end in a full stop, and the conclusion sets its own.
        self.noted.append(replace(step, reason=step.reason.removesuffix(".")))
        if step.stands_in_the_way and step.decision is None:
            raise Stopped

    def fine(self, name: str, reason: str, *, subject: str = "") -> None:
        self.note(Step(name=name, outcome=Outcome.ALLOWED, reason=reason, subject=subject))

    def refused(self, name: str, reason: str, remedy: str = "", *, subject: str = "") -> None:
        self.note(Step(name=name, outcome=Outcome.DENIED, reason=reason, remedy=remedy, subject=subject))

    def unknown(self, name: str, reason: str, *, remedy: str = "", is_needed: bool = True) -> None:
        self.note(Step(name=name, outcome=Outcome.UNKNOWN, reason=reason, remedy=remedy, is_needed=is_needed))

    @contextmanager
    def found_out(self, name: str) -> Iterator[None]:
        """Ends the walk with a step that is unknown where something does not answer."""
        try:
            yield
        except Unavailable as error:
            self.unknown(name, str(error))
            raise Stopped from error


def _to_read(decision: Decision) -> str:
    """What to do so that an unknown decision becomes a known one."""
    unread = decision.policies.unread
    return "; ".join(dict.fromkeys(one.remedy for one in unread if one.remedy)) if unread else _TO_READ_IT
