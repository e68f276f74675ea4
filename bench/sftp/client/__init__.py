"""The light client: SSH and SFTP by hand, so that logins and idle sessions cost the client little."""
