"""FTP and SFTP in front of an S3: Crossdock with attached buckets, beside other gateways."""

from dataclasses import replace

from bench.harness.plan import QUICK, Plan
from bench.harness.suite import Picture, Suite
from bench.s3.cases.table import all_cases
from bench.s3.servers.crossdock import crossdock
from bench.s3.servers.table import PEERS
from bench.s3.starting import prepare
from bench.s3.targets import TARGETS
from bench.sftp.servers.table import SFTPGO

S3 = Suite(
    name="s3",
    plan=Plan(runs=3),
    quick=replace(QUICK, size=64 << 20, small_files=100),
    cases=all_cases,
    targets=TARGETS,
    crossdock=crossdock,
    peers=PEERS,
    prepare=prepare,
    client_module="bench.ftp.client",
    clients="the fast client by FTP and OpenSSH's by SFTP",
    profiled=("s3-down-null", "s3-up-null", "s3-small-up-null", "s3-small-down-null"),
    pictures=(
        Picture(title="Large files in front of an S3", unit="MB/s", file="s3-large-files"),
        Picture(title="Small files in front of an S3", unit="files/s", file="s3-small-files"),
    ),
    left_out=(SFTPGO,),
)
