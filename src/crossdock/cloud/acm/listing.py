"""ListCertificates, with its filters.

Source: ACM API Reference, ListCertificates and Filters.
"""

from collections.abc import Collection
from typing import Any

from crossdock.cloud.acm.describing import arrival, key_pair_origin
from crossdock.cloud.acm.faults import invalid, invalid_args
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord
from crossdock.cloud.acm.store import CertificateStore
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token

DEFAULT_ITEMS = 1000
DEFAULT_KEY_TYPES = ("RSA_1024", "RSA_2048")
"""AWS lists no others unless it is asked for them."""
MAX_NAMES = 100


async def list_certificates(store: CertificateStore, call: Call) -> Result:
    """The oldest first, or as SortOrder says."""
    if ("SortBy" in call.params) != ("SortOrder" in call.params):
        raise invalid("SortBy and SortOrder must be given together.")
    after = page_key(call.params.get("NextToken"), error_code="InvalidArgsException")
    if after is not None and len(after) != 2:
        raise invalid_args("The pagination token is not valid.")
    limit: int = call.params.get("MaxItems", DEFAULT_ITEMS)
    is_descending = call.params.get("SortOrder") == "DESCENDING"
    async with call.reading() as tx:
        everything = await CERTIFICATES.everything(tx, call.account_id, call.region)
        found = sorted(
            ((_place(record), record) for record in everything if _is_wanted(record, call)),
            key=lambda pair: pair[0],
            reverse=is_descending,
        )
        if after is not None:
            found = [pair for pair in found if (pair[0] < after if is_descending else pair[0] > after)]
        page = [
            _summary(record, call, is_in_use=bool(await store.uses.users(tx, record.arn)))
            for _, record in found[:limit]
        ]
    answer: dict[str, Any] = {"CertificateSummaryList": page}
    if len(found) > limit:
        answer["NextToken"] = page_token(found[limit - 1][0])
    return answer


def _place(record: CertificateRecord) -> tuple[str, ...]:
    return record.created_at.isoformat(timespec="microseconds"), record.certificate_id


def _is_wanted(record: CertificateRecord, call: Call) -> bool:
    params, facts = call.params, record.facts
    includes: Params = params.get("Includes", {})
    return (
        _admits(params.get("CertificateStatuses"), [record.status(call.now)])
        and _admits(params.get("CertificateKeyPairOrigins"), [key_pair_origin(record)])
        and facts.key_algorithm in (includes.get("keyTypes") or DEFAULT_KEY_TYPES)
        and _admits(includes.get("keyUsage"), facts.key_usages)
        and _admits(includes.get("extendedKeyUsage"), facts.extended_key_usage_names or ("NONE",))
        and includes.get("exportOption", "DISABLED") == "DISABLED"
        and "managedBy" not in includes
    )


def _admits(wanted: Collection[str] | None, found: Collection[str]) -> bool:
    """No filter admits everything, another what has one of its values."""
    return not wanted or any(value in wanted for value in found)


def _summary(record: CertificateRecord, call: Call, *, is_in_use: bool) -> dict[str, Any]:
    facts = record.facts
    return {
        "CertificateArn": record.arn,
        "DomainName": facts.domain_name,
        "SubjectAlternativeNameSummaries": list(facts.names[:MAX_NAMES]),
        "HasAdditionalSubjectAlternativeNames": len(facts.names) > MAX_NAMES,
        "Status": record.status(call.now),
        "Type": record.type,
        "KeyAlgorithm": facts.key_algorithm,
        "KeyUsages": list(facts.key_usages),
        "ExtendedKeyUsages": list(facts.extended_key_usage_names),
        "ExportOption": "DISABLED",
        "InUse": is_in_use,
        "RenewalEligibility": "INELIGIBLE",
        "NotBefore": facts.not_before,
        "NotAfter": facts.not_after,
        "CreatedAt": record.created_at,
        "CertificateKeyPairOrigin": key_pair_origin(record),
        **arrival(record),
    }
