"""Every real client of file protocols, each made to do the same things.

A kind says how its client is made, and one whose password or key is wrong. A client has the methods that its program
can do, so tests ask for `able("rename")`; each raises where the program says that it failed:

    names(directory)                        put(files, directory)           get(remote, local)
    get_matching(directory, pattern, into)  resume(remote, local)           rename(old, new)
    delete(path)                            make_directory(path)            remove_directory(path)
    resume_upload(local, remote)            append(local, remote)
    put_tree(local, remote)                 get_tree(remote, local)
    get_by_path(path, into)                 delete_by_path(path)
"""

from pathlib import Path

import pytest
from tests.e2e import ftp_clients, sftp_clients
from tests.e2e.openssh_clients import Sshfs

WITH_FUSE = pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="sshfs needs FUSE, which this computer has not")
KINDS = (*ftp_clients.KINDS, *sftp_clients.KINDS)


def able(*methods: str) -> pytest.MarkDecorator:
    """Runs a test with every client that has these methods."""
    kinds = [kind for kind in KINDS if all(hasattr(kind.make, method) for method in methods)]
    found = [pytest.param(kind, id=kind.name, marks=WITH_FUSE if kind.make is Sshfs else ()) for kind in kinds]
    return pytest.mark.parametrize("client", found, indirect=True)
