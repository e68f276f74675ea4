"""How two files of a certificate are written in one text."""

import shlex
from collections.abc import Mapping
from pathlib import Path


def certificate_paths(files: Mapping[str, str]) -> dict[str, tuple[Path, Path]]:
    """Chain and key by server id or `*`, of texts such as `/etc/ssl/chain.pem /etc/ssl/key.pem`.

    A path with spaces stands in quotes, as in a shell.

    Raises:
        ValueError: not two absolute paths; a sentence says for which server.
    """
    found: dict[str, tuple[Path, Path]] = {}
    for name, text in files.items():
        try:
            chain, key = (Path(part) for part in shlex.split(text))
        except ValueError:
            raise ValueError(f"{name} must have two files, CHAIN and KEY, with a space between them") from None
        if not (chain.is_absolute() and key.is_absolute()):
            raise ValueError(f"the files of {name} must be absolute paths such as /etc/ssl/chain.pem /etc/ssl/key.pem")
        found[name] = (chain, key)
    return found
