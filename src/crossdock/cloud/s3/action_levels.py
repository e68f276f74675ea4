"""Which S3 actions are done to buckets and which to objects, for the check that a policy's statement makes sense.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3", resource types.
"""

from collections.abc import Collection

from crossdock.policy.matching import action_set

_OBJECT = (
    "AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion "
    "DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention "
    "GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes "
    "GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication "
    "ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold "
    "PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject "
    "ReplicateTags RestoreObject"
)
_BUCKET = (
    "CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite "
    "GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl GetBucketCORS GetBucketLocation "
    "GetBucketLogging GetBucketNotification GetBucketObjectLockConfiguration GetBucketOwnershipControls "
    "GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging "
    "GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration "
    "GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration "
    "ListBucket ListBucketMultipartUploads ListBucketVersions PutAccelerateConfiguration PutAnalyticsConfiguration "
    "PutBucketAcl PutBucketCORS PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration "
    "PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging "
    "PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration PutIntelligentTieringConfiguration "
    "PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration"
)
OBJECT_ACTIONS = frozenset(f"s3:{name.lower()}" for name in _OBJECT.split())
BUCKET_ACTIONS = frozenset(f"s3:{name.lower()}" for name in _BUCKET.split())


def has_object_level(pattern: str) -> bool:
    """Whether an action of a policy, `*` and `?` included, means anything that is done to objects.

    What is in neither list is newer than they are: it may be done to both.
    """
    return _means(pattern, OBJECT_ACTIONS) or not _means(pattern, BUCKET_ACTIONS)


def has_bucket_level(pattern: str) -> bool:
    return _means(pattern, BUCKET_ACTIONS) or not _means(pattern, OBJECT_ACTIONS)


def _means(pattern: str, actions: Collection[str]) -> bool:
    covered = action_set((pattern,))
    return any(covered.covers(action) for action in actions)
