"""The SFTP edge: SSH by asyncssh, the file transfer protocol (version 3) our own."""
