"""Which of the names that there are was meant by one that is none. Pure."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str:
    """Without regard to case; what one is the beginning of counts as near. Empty where none is."""
    by_lower = {one.lower(): one for one in known}
    lower = name.lower()
    near = get_close_matches(lower, by_lower, n=1, cutoff=0.65)
    begun = sorted((one for one in by_lower if one.startswith(lower) or lower.startswith(one)), key=len)
    found = next(iter(near or begun), None)
    return "" if found is None else by_lower[found]
