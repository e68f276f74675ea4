"""Certificate Manager as one table."""

from collections.abc import Awaitable, Callable

from crossdock.cloud.acm.deleting import delete_certificate
from crossdock.cloud.acm.describing import describe_certificate, get_certificate
from crossdock.cloud.acm.importing import import_certificate
from crossdock.cloud.acm.listing import list_certificates
from crossdock.cloud.acm.permissions import on_certificate, on_import, on_request, tag_keys
from crossdock.cloud.acm.requesting import request_certificate
from crossdock.cloud.acm.store import CertificateStore
from crossdock.cloud.acm.tags import add_tags, list_tags, remove_tags
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permissions, Result, ServiceOperations, needs
from crossdock.ports.certificates import CertificateUses
from crossdock.ports.host import Epoch, Sealer

_Handler = Callable[[CertificateStore, Call], Awaitable[Result]]


def acm_operations(*, sealer: Sealer, epoch: Epoch, uses: CertificateUses) -> ServiceOperations:
    store = CertificateStore(sealer=sealer, epoch=epoch, uses=uses)

    def row(handler: _Handler, permissions: Permissions) -> Operation:
        async def bound(call: Call) -> Result:
            return await handler(store, call)

        return Operation(handler=bound, permissions=permissions)

    return ServiceOperations(
        service="acm",
        operations={
            "ImportCertificate": row(import_certificate, on_import),
            "RequestCertificate": row(request_certificate, on_request),
            "DescribeCertificate": row(describe_certificate, on_certificate("acm:DescribeCertificate")),
            "GetCertificate": row(get_certificate, on_certificate("acm:GetCertificate")),
            "ListCertificates": row(list_certificates, needs("acm:ListCertificates")),
            "DeleteCertificate": row(delete_certificate, on_certificate("acm:DeleteCertificate")),
            "AddTagsToCertificate": row(add_tags, on_certificate("acm:AddTagsToCertificate", tag_keys)),
            "RemoveTagsFromCertificate": row(remove_tags, on_certificate("acm:RemoveTagsFromCertificate", tag_keys)),
            "ListTagsForCertificate": row(list_tags, on_certificate("acm:ListTagsForCertificate")),
        },
    )
