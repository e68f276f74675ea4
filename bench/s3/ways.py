"""The S3s that a server stands in front of. For each it is reached by FTP, for Ceph's by SFTP too."""

RGW, STUB, STUB_TLS = "rgw", "stub", "stub-tls"
RGW_BY_SFTP = "rgw-by-sftp"
BUCKET = "bench"
"""In each of them."""
