"""What is raised when a setting cannot be meant."""

from crossdock.core.errors import CrossdockError


class BadSetting(CrossdockError):
    """A setting that cannot be meant; the message says which, where, and what would be right."""
