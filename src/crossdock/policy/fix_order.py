"""Fixes of several decisions in an order in which each can be applied to the letter, one after another."""

from collections.abc import Iterable

from crossdock.policy.fixes import Fix, RemoveStatement


def in_order(fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    """Each statement is taken out once, after everything else, in each policy from the last to the first.

    So a number is still that of its statement when its turn comes: what is added is added behind.
    """
    others: list[Fix] = []
    removals: dict[tuple[object, ...], dict[int, Fix]] = {}
    for fix in fixes:
        if isinstance(fix.change, RemoveStatement):
            removals.setdefault((fix.layer, fix.attached_to, fix.policy), {}).setdefault(fix.change.number, fix)
        else:
            others.append(fix)
    return (*others, *(found[number] for found in removals.values() for number in sorted(found, reverse=True)))
