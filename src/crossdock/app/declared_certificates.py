"""Certificates for FTPS that a file of servers takes from Secrets Manager: imported into our own Certificate Manager.

They are marked with the server's id. One that has changed is imported beside the one before, so that its key may be of
another kind, and that one goes when the server names it no more.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from crossdock.app.declaring import Road
from crossdock.core.pem import BadPem, certificates_pem, private_key_pem, read_chain_and_key
from crossdock.core.servers import DECLARED_TAG

_EVERY_KIND_OF_KEY = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)


async def have_certificate(road: Road, places: Sequence[str]) -> str:
    """The ARN of the server's certificate, which is imported unless it is there.

    `places` are the chain's and the key's, or one that has both. Raises CannotDeclare, which says nothing of the key.
    """
    texts = [(await road.text(place, "certificate")).encode() for place in places]
    try:
        certificates, private = await asyncio.to_thread(
            read_chain_and_key, texts[0], texts[-1], chain_in=places[0], key_in=places[-1]
        )
    except BadPem as error:
        raise road.objection(f"the certificate cannot be used: {error}") from error
    wanted, issuers = certificates_pem(certificates), certificates_pem(certificates[1:])
    async for arn in _own_certificates(road):
        found = await road.call("acm", "GetCertificate", {"CertificateArn": arn})
        if found["Certificate"] + (found.get("CertificateChain") or "") == wanted:
            return arn
    imported = await road.call(
        "acm",
        "ImportCertificate",
        {
            "Certificate": certificates_pem(certificates[:1]).encode(),
            "PrivateKey": private_key_pem(private).encode(),
            **({"CertificateChain": issuers.encode()} if issuers else {}),
            "Tags": [{"Key": DECLARED_TAG, "Value": road.server_id}],
        },
    )
    return str(imported["CertificateArn"])


async def drop_certificates(road: Road, *, but: str = "") -> None:
    """Delete those that were imported for the server, but the one of this ARN. Raises CannotDeclare."""
    for arn in [arn async for arn in _own_certificates(road) if arn != but]:
        await road.call("acm", "DeleteCertificate", {"CertificateArn": arn})


async def _own_certificates(road: Road) -> AsyncIterator[str]:
    params = {"Includes": {"keyTypes": list(_EVERY_KIND_OF_KEY)}}
    async for one in road.listed("acm", "ListCertificates", params, member="CertificateSummaryList"):
        arn = str(one["CertificateArn"])
        tags = (await road.call("acm", "ListTagsForCertificate", {"CertificateArn": arn})).get("Tags", ())
        if {"Key": DECLARED_TAG, "Value": road.server_id} in tags:
            yield arn
