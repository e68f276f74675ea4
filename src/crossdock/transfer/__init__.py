"""The Transfer control plane as operations: servers, users, the identity test. AWS's spelling stops here."""
