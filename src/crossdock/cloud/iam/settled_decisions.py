"""Decisions that would come out the same: kept until a policy changes."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from crossdock.operations.caller import CallContext, Caller, Context
from crossdock.operations.operation import Permission
from crossdock.policy.decision import Decision
from crossdock.policy.requests import NamedPolicy, PolicySet
from crossdock.ports.host import Epoch

MOST_KEPT = 2000


@dataclass(frozen=True, slots=True)
class _Kept:
    """Has the caller too, so that no other object gets its id meanwhile."""

    caller: Caller
    decision: Decision


class SettledDecisions:
    """Permissions that were given, of callers who ask for the same again: a file is looked at, looked at once more,
    opened, and each time authorised; an upload when it begins and when it is committed.

    Kept is what depends on nothing but the epoch and the question: no policy that bears on it speaks of the time. That
    the caller is still somebody is to be seen before. A refusal is looked into anew.

    The least used go first, so that sessions keep theirs while others ask for much and once.
    """

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._of = -1
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def find(self, question: Hashable) -> Decision | None:
        kept = self._kept.get(question)
        if kept is None or self._of != self._epoch.current():
            return None
        self._kept.move_to_end(question)
        return kept.decision

    def keep(self, question: Hashable, context: Context, decision: Decision, *, epoch: int) -> None:
        """`epoch` is that of before the policies were looked up, `context` what the question was made of."""
        if question is None or not isinstance(context, CallContext):
            return
        if not decision.is_allowed or _tells_time(decision.policies):
            return
        if self._of != epoch:
            self._of = epoch
            self._kept.clear()
        self._kept[question] = _Kept(context.caller, decision)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def question_of(caller: Caller, permission: Permission, context: Context) -> Hashable:
    """What the same answer may be given to; None where no answer is kept.

    Callers are told apart as objects: who signs has the same one as long as the key is known.
    """
    if not isinstance(context, CallContext) or context.caller is not caller or permission.owned is not None:
        return None
    of_permission = tuple(permission.context.items())
    return id(caller), context.origin, context.region, permission.action, permission.resource, of_permission


def _tells_time(policies: PolicySet) -> bool:
    found: Iterable[NamedPolicy] = (
        *policies.identity,
        *policies.boundary,
        *policies.session,
        *policies.endpoint,
        *([] if policies.resource is None else [policies.resource]),
        *(named for level in policies.service_control for named in level),
        *(named for level in policies.resource_control for named in level),
    )
    return any(named.policy.tells_time for named in found)
