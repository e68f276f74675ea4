"""Secrets Manager: values that are encrypted at rest, in versions that labels point to.

There is one key, the house's own, and no KMS: a KmsKeyId other than the AWS-managed one is refused, not ignored.
"""
