"""Crossdock: FTP, FTPS and SFTP endpoints in front of S3 buckets of many accounts."""
