"""FTP and SFTP in front of an S3: Crossdock beside other servers."""
