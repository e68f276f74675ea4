"""Certificates for FTPS that a file of servers takes from Secrets Manager: imported into our own Certificate Manager.

They are marked with the server's id. One that has changed is imported beside the one before, so that its key may be of
another kind, and that one goes when the server names it no more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from crossdock.app.administrators import AsAdministrator
from crossdock.app.declaring import Road
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord
from crossdock.core.errors import CrossdockError
from crossdock.core.ids import is_server_id
from crossdock.core.pem import BadPem, certificates_pem, private_key_pem, read_chain_and_key
from crossdock.core.servers import DECLARED_TAG
from crossdock.ports.state import State
from crossdock.transfer.server_records import SERVERS

_EVERY_KIND_OF_KEY = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)

_log = logging.getLogger(__name__)


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


async def let_go_of_certificates(state: State, administrator: AsAdministrator) -> None:
    """Delete what was imported for servers, of this file or one before it, that name it no more, or are not there.

    Looked for in every account and region, so that what cannot be deleted, which is a warning, goes at a later start.
    """
    for record in await _not_named(state):
        named = {"CertificateArn": record.arn}
        try:
            await administrator(record.account_id, record.region, "acm", "DeleteCertificate", named)
        except CrossdockError as error:
            told = {"server_id": record.tags[DECLARED_TAG], "certificate": record.arn, "reason": str(error)}
            _log.warning("a certificate imported for a declared server stays", extra=told)


async def _not_named(state: State) -> Sequence[CertificateRecord]:
    async with state.reading() as tx:
        named = {server.server_id: server.settings.get("Certificate") for server in await SERVERS.everything(tx)}
        imported = [
            record for record in await CERTIFICATES.everything(tx) if is_server_id(record.tags.get(DECLARED_TAG, ""))
        ]
    return [record for record in imported if named.get(record.tags[DECLARED_TAG]) != record.arn]


async def _own_certificates(road: Road) -> AsyncIterator[str]:
    params = {"Includes": {"keyTypes": list(_EVERY_KIND_OF_KEY)}}
    async for one in road.listed("acm", "ListCertificates", params, member="CertificateSummaryList"):
        arn = str(one["CertificateArn"])
        tags = (await road.call("acm", "ListTagsForCertificate", {"CertificateArn": arn})).get("Tags", ())
        if {"Key": DECLARED_TAG, "Value": road.server_id} in tags:
            yield arn
