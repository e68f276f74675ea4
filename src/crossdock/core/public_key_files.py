"""Files that hold one SSH public key, as people have them lying about: OpenSSH's, and what is taken for it. Pure.

Source: ssh-keygen(1), for what OpenSSH writes; PROTOCOL.certkeys of OpenSSH; RFC 4716 and RFC 7468 for the forms that
it converts; PuTTY's documentation, appendix "PPK file format".
"""

from crossdock.core.ssh_public_keys import BadPublicKey, PublicKeyLine, parse_public_key

MAX_FILE_CHARACTERS = 64 << 10
"""The largest RSA key takes some 3,000."""

_PRIVATE = ("PRIVATE KEY-----", "PuTTY-User-Key-File-", "BEGIN SSH2 ENCRYPTED PRIVATE KEY")


def read_public_key_file(text: str) -> PublicKeyLine:
    """The one key of a file such as `~/.ssh/id_ed25519.pub`; empty lines and comments are skipped.

    Raises BadPublicKey, whose message says what it is instead, and quotes nothing of it.
    """
    if any(mark in text for mark in _PRIVATE):
        raise BadPublicKey(
            "this is a private key, of which nothing was shown or sent: give the public key, which OpenSSH keeps "
            "beside it in a file that ends in .pub (`ssh-keygen -y -f FILE` prints it)"
        )
    if "BEGIN SSH2 PUBLIC KEY" in text:
        raise BadPublicKey("this key is in the form of RFC 4716: `ssh-keygen -i -f FILE` prints it in OpenSSH's")
    if "PUBLIC KEY-----" in text:
        raise BadPublicKey("this key is in PEM: `ssh-keygen -i -m PKCS8 -f FILE` prints it in OpenSSH's form")
    if len(text) > MAX_FILE_CHARACTERS:
        raise BadPublicKey("the file is too large for a public key")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise BadPublicKey(f"the file has {len(lines)} lines with keys: give one with a single key")
    if lines[0].split()[0].endswith("-cert-v01@openssh.com"):
        raise BadPublicKey("this is a certificate, and nobody logs in by one: give the key that was certified")
    return parse_public_key(lines[0])
