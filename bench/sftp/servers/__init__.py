"""How each SFTP server is started, in its most ordinary configuration."""
