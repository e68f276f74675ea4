"""What lies in an S3 before a run, put there past all gateways."""

from bench.harness.plan import Bench
from bench.harness.seeding import source_file
from bench.s3.starting import s3_client, told_as_unavailable
from bench.s3.stub.shelf import SIZE_HEADER
from bench.s3.ways import BUCKET, RGW

SMALL = "small"
"""A directory of small files, named as a session of `small-down` asks for them: six digits, from 000000 on."""


def big_of(size: int) -> str:
    return f"big-{size}"


def seed(bench: Bench, s3: str) -> None:
    """The large file and the small ones, once in a run: before a server looks, for some remember what they saw.

    Raises Unavailable.
    """
    size, done = bench.plan.size, (s3, big_of(bench.plan.size))
    if done in bench.prepared:
        return
    client = s3_client(bench.scratch, s3)
    with told_as_unavailable(f"nothing can be put into {s3}"):
        if s3 == RGW:
            client.upload_file(str(source_file(bench.scratch, size)), BUCKET, big_of(size))
        else:
            name = SIZE_HEADER.removeprefix("x-amz-meta-")
            client.put_object(Bucket=BUCKET, Key=big_of(size), Metadata={name: str(size)})
        for number in range(bench.plan.small_files):
            client.put_object(Bucket=BUCKET, Key=f"{SMALL}/{number:06}", Body=bytes(bench.plan.small_size))
    bench.prepared.add(done)
