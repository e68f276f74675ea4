"""What is measured of SFTP, a module a subject."""
