"""Owners as S3 shows them: by a canonical id, which tells nothing of the account it stands for."""

from hashlib import sha256


def canonical_id(account_id: str) -> str:
    """64 hex digits, always the same for an account.

    Source: S3 User Guide, "Finding your canonical user ID": "an obfuscated form of the AWS account ID".
    """
    return sha256(f"crossdock canonical user {account_id}".encode()).hexdigest()


def owner_of(account_id: str) -> dict[str, str]:
    """The shape `Owner`. S3 itself has left out DisplayName since 2025."""
    return {"ID": canonical_id(account_id)}
