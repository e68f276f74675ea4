"""What is measured of gateways in front of an S3, a module a subject."""
