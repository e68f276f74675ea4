"""What decides about objects and holds them, in whichever process: of the whole cloud, the part that workers share."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from crossdock.cloud.iam import managed_policies
from crossdock.cloud.iam.authorize import EmbeddedAuthorizer
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.principal_policies import PrincipalDirectory
from crossdock.cloud.iam.resource_policies import ResourcePolicySource
from crossdock.cloud.organizations.in_force import OrganizationPolicies
from crossdock.cloud.s3.bucket_directory import BucketDirectory
from crossdock.cloud.s3.bucket_policies import BucketPolicies
from crossdock.cloud.s3.storage import Storage
from crossdock.operations.call import House
from crossdock.ports.backings import ForeignS3
from crossdock.ports.host import Epoch
from crossdock.ports.storage import Blobs, ObjectIndex, UploadIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    library: PolicyLibrary
    principals: PrincipalDirectory
    organization: OrganizationPolicies
    authorizer: EmbeddedAuthorizer
    storage: Storage


def build_authority(
    house: House,
    *,
    epoch: Epoch,
    objects: ObjectIndex,
    uploads: UploadIndex,
    blobs: Blobs,
    executor: Executor,
    further: Mapping[str, ResourcePolicySource],
    foreign: ForeignS3,
    notes_encryption: bool = False,
) -> Authority:
    """`further` are the sources of resource policies besides S3's, `foreign` has the objects of backed buckets."""
    library = PolicyLibrary(managed_policies.load())
    principals = PrincipalDirectory(state=house.state, clock=house.clock, epoch=epoch, library=library)
    organization = OrganizationPolicies()
    return Authority(
        library=library,
        principals=principals,
        organization=organization,
        authorizer=EmbeddedAuthorizer(
            state=house.state,
            epoch=epoch,
            principals=principals,
            sources={"s3": BucketPolicies(), **further},
            organization=organization,
        ),
        storage=Storage(
            buckets=BucketDirectory(state=house.state, epoch=epoch),
            objects=objects,
            uploads=uploads,
            blobs=blobs,
            epoch=epoch,
            executor=executor,
            foreign=foreign,
            notes_encryption=notes_encryption,
        ),
    )
