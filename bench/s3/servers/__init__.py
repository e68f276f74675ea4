"""The S3s that bytes go to, and how each gateway in front of them is started."""
