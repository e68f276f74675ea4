"""What Crossdock stands beside in front of an S3."""

from collections.abc import Mapping

from bench.harness.servers.running import Adapter
from bench.s3.servers.aws_cli import AWS_CLI, aws_cli
from bench.s3.servers.rclone import RCLONE, rclone
from bench.s3.servers.s3fs import S3FS, s3fs

PEERS: Mapping[str, Adapter] = {S3FS: s3fs, RCLONE: rclone, AWS_CLI: aws_cli}
