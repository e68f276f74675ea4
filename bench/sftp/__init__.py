"""SFTP of several servers side by side."""
