"""Certificates of declared servers that lie in Secrets Manager: imported, changed, and gone with what named them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.acm import Acm
from tests.fakes.calls import call_as_root
from tests.fakes.clock import START
from tests.fakes.host_keys import instant_vault
from tests.fakes.models import service_model
from tests.fakes.transfer import FTP_SERVER, FUNCTION, HUB, REGION, ScriptedTrial
from tests.fakes.x509 import Pair, issued_by, rsa_key, self_signed

from crossdock.app.declared_servers import ServerDeclarer
from crossdock.app.declaring import CannotDeclare
from crossdock.cloud.accounts import UnknownAccount
from crossdock.cloud.acm.serving import AcmCertificateCheck, AcmServerCertificates
from crossdock.cloud.acm.table import acm_operations
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.settings.servers_file import DeclaredServer, parse_servers_file
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory
from crossdock.transfer.server_certificates import ServersOfCertificates
from crossdock.transfer.table import transfer_operations

ID = "s-0123456789abcdef0"
PARTNER = "222222222222"
ACCOUNTS = {"hub": HUB, "partner": PARTNER, HUB: HUB, PARTNER: PARTNER}
SETTINGS = f"""
    Protocols = ["FTPS"]
    EndpointType = "VPC"
    EndpointDetails = {{ VpcId = "vpc-0a", SubnetIds = ["subnet-0a"] }}
    IdentityProviderType = "AWS_LAMBDA"
    IdentityProviderDetails = {{ Function = "{FUNCTION}" }}
"""
ROOT = self_signed("Root", is_ca=True)


@dataclass
class House:
    """Transfer and Certificate Manager on one state; implements `ports.authority.SecretTexts` by `secrets`."""

    acm: Acm = field(default_factory=Acm)
    secrets: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        house, changes = self.acm.house, ServerChanges()
        transfer = transfer_operations(
            changes=changes,
            trial=ScriptedTrial(),
            certificates=AcmCertificateCheck(house.clock),
            host_keys=instant_vault(self.acm.sealer, house.entropy),
        )
        acm = acm_operations(sealer=self.acm.sealer, epoch=self.acm.epoch, uses=ServersOfCertificates())
        self.operations = Operations([transfer, acm], house=house, authorizer=self.acm.authorizer)
        self.directory = StateServerDirectory(house.state, changes)
        self.declarer = ServerDeclarer(
            administrator=self.do, secrets=self, state=house.state, region=REGION, model=service_model("transfer")
        )

    async def do(
        self, account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if account in self.unknown:
            raise UnknownAccount(f"there is no account {account!r}")
        if operation in self.refused:
            raise ServiceError("AccessDeniedException", f"{operation} is denied", status=400)
        return await call_as_root(self.operations, service, operation, params, account=ACCOUNTS[account], region=region)

    async def start(self, *servers: DeclaredServer) -> Mapping[str, str]:
        """What cannot be had, when the service starts with these servers in its file."""
        return await self.declarer.apply_all(servers, await self.directory.servers())

    async def text(self, account: str, region: str, secret_id: str) -> str:
        if secret_id not in self.secrets:
            raise Unavailable(f"the secret {secret_id}: AccessDeniedException: it is not yours")
        return self.secrets[secret_id]

    async def shown(self) -> str:
        """The chain that the only server shows in a handshake."""
        (server,) = await self.directory.servers()
        return await self.certificate_of(server)

    async def certificate_of(self, server: Server) -> str:
        acm = AcmServerCertificates(state=self.acm.house.state, sealer=self.acm.sealer, epoch=self.acm.epoch)
        return (await acm.certificate(server)).chain_pem

    async def kept(self, account: str = HUB) -> list[str]:
        """The ARNs of all certificates."""
        kinds = {"keyTypes": ["RSA_2048", "EC_prime256v1"]}
        listed = await self.acm("ListCertificates", account=account, Includes=kinds)
        return [str(one["CertificateArn"]) for one in listed["CertificateSummaryList"]]


def declared(*certificate: str, account: str = "hub", settings: str = SETTINGS) -> DeclaredServer:
    named = f"certificate = {[f'secretsmanager:{name}' for name in certificate]}\n" if certificate else ""
    text = f'[[server]]\nid = "{ID}"\naccount = "{account}"\n{named}[server.settings]\n{settings}\n'
    (server,) = parse_servers_file(text, Path("servers.toml"))
    return server


def texts(pair: Pair, *chain: Pair) -> str:
    return (pair.body + b"".join(one.body for one in chain) + pair.key).decode()


async def test_one_secret_has_chain_and_key_or_two_have_one_each():
    house, leaf = House(), issued_by(ROOT)
    house.secrets["both"] = texts(leaf, ROOT)
    assert await house.start(declared("both")) == {}
    assert (await house.shown()).encode() == leaf.body + ROOT.body
    other = issued_by(ROOT)
    house.secrets |= {"chain": (other.body + ROOT.body).decode(), "key": other.key.decode()}
    assert await house.start(declared("chain", "key")) == {}
    assert (await house.shown()).encode() == other.body + ROOT.body


async def test_applied_again_it_changes_nothing():
    house = House(secrets={"both": texts(self_signed())})
    for _ in range(2):
        assert await house.start(declared("both")) == {}
        (arn,) = await house.kept()
        (server,) = await house.directory.servers()
        assert server.certificate_arn == arn
    assert (await house.acm.described(arn))["CreatedAt"] == START


async def test_what_the_secret_has_since_is_shown_whatever_its_key_is_and_the_one_before_goes():
    first, second = self_signed(), self_signed(private=rsa_key())
    house = House(secrets={"both": texts(first)})
    own = await house.acm.imported(self_signed("somebody.example.com"))
    assert await house.start(declared("both")) == {}
    house.secrets["both"] = texts(second)
    assert await house.start(declared("both")) == {}
    assert (await house.shown()).encode() == second.body
    assert len(await house.kept()) == 2
    assert own in await house.kept()


async def test_it_goes_with_its_line_and_with_its_server():
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    own = await house.acm.imported(self_signed("somebody.example.com"))
    assert await house.start(declared(settings=f'{SETTINGS}\nCertificate = "{own}"')) == {}
    assert await house.kept() == [own]
    assert await house.start(declared("both")) == {}
    assert len(await house.kept()) == 2
    assert await house.start() == {}
    assert await house.kept() == [own]


async def test_a_server_that_moves_takes_it_along():
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    moved = declared("both", account="partner")
    assert await house.start(moved) == {}
    assert await house.kept() == []
    (arn,) = await house.kept(PARTNER)
    (server,) = await house.directory.servers()
    assert (server.account_id, server.certificate_arn) == (PARTNER, arn)


async def test_one_whose_account_the_settings_name_no_more_stays_and_the_error_says_what_to_do():
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    there = await house.directory.servers()
    house.unknown.add(HUB)
    failures = await house.start(declared("both", account="partner"))
    assert failures[ID].startswith(
        f"server {ID}: it is in account {HUB}, region {REGION}, and cannot be deleted there: name that account"
    )
    assert await house.directory.servers() == there
    assert await house.kept(PARTNER) == []


USED = "is in use by arn:aws:transfer:us-east-1:111111111111:server/s-"


async def held_fast(house: House) -> str:
    """The ARN of the declared server's certificate, which another server names too."""
    (arn,) = await house.kept()
    await house.do("hub", REGION, "transfer", "CreateServer", {**FTP_SERVER, "Protocols": ["FTPS"], "Certificate": arn})
    return arn


def stays(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Level, server and reason of each certificate that could not be deleted."""
    message = "a certificate imported for a declared server stays"
    found = [vars(record) for record in caplog.records if record.message == message]
    caplog.clear()
    return [(record["levelname"], record["server_id"], record["reason"]) for record in found]


async def test_one_that_cannot_be_deleted_keeps_no_server_from_moving(caplog: pytest.LogCaptureFixture):
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    arn = await held_fast(house)
    moved = declared("both", account="partner")
    for _ in range(2):
        assert await house.start(moved) == {}
        ((level, server_id, reason),) = stays(caplog)
        assert (level, server_id) == ("WARNING", ID)
        assert USED in reason
    (server,) = [server for server in await house.directory.servers() if server.server_id == ID]
    assert server.account_id == PARTNER
    assert await house.kept() == [arn]


@pytest.mark.parametrize("refused", ["DeleteCertificate", ""], ids=["by a policy", "as it is in use"])
async def test_one_that_cannot_be_deleted_keeps_nothing_from_becoming_what_the_file_has(
    refused: str, caplog: pytest.LogCaptureFixture
):
    house, second = House(secrets={"both": texts(self_signed())}), self_signed()
    tagged = f'{SETTINGS}\nTags = {{ "team" = "dock" }}'
    assert await house.start(declared("both", settings=tagged)) == {}
    if refused:
        house.refused.add(refused)
    else:
        await held_fast(house)
    house.secrets["both"] = texts(second)
    assert await house.start(declared("both")) == {}
    (server,) = [server for server in await house.directory.servers() if server.server_id == ID]
    assert (await house.certificate_of(server)).encode() == second.body
    assert "team" not in server.tags
    assert len(stays(caplog)) == 1
    house.refused.clear()
    await house.start(declared("both"))
    assert len(await house.kept()) == (1 if refused else 2)


async def test_one_that_cannot_be_deleted_does_not_make_its_deleted_server_one_that_is_there(
    caplog: pytest.LogCaptureFixture,
):
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    house.refused |= {"DeleteCertificate", "ListCertificates"}
    assert await house.start() == {}
    assert await house.directory.servers() == []
    assert [record.message for record in caplog.records] == [
        "deleted a server that is declared no more",
        "a certificate imported for a declared server stays",
    ]
    house.refused.clear()
    assert await house.start() == {}
    assert await house.kept() == []


async def test_a_move_that_is_refused_leaves_none_in_the_new_place():
    house = House(secrets={"both": texts(self_signed())})
    assert await house.start(declared("both")) == {}
    there = await house.directory.servers()
    wrong = declared("both", account="partner", settings=f'{SETTINGS}\nSecurityPolicyName = "NoSuch"')
    for _ in range(2):
        house.secrets["both"] = texts(self_signed())
        assert "Unknown security policy NoSuch" in (await house.start(wrong))[ID]
        assert await house.kept(PARTNER) == []
    assert await house.directory.servers() == there
    assert len(await house.kept()) == 1


async def test_one_marked_with_something_else_is_somebodys_own():
    house = House()
    own = await house.acm.imported(Tags=[{"Key": "crossdock:declared", "Value": "by hand"}])
    assert await house.start() == {}
    assert await house.kept() == [own]


async def test_what_cannot_be_used_leaves_the_one_before_and_says_what_is_wrong():
    good, other = self_signed(), self_signed()
    house = House(secrets={"both": texts(good)})
    await house.declarer.apply(declared("both"))
    expired = self_signed(not_after=START)
    house.secrets |= {
        "text": "hello",
        "chain": good.body.decode(),
        "key": good.key.decode(),
        "locked": good.locked_key.decode(),
        "other": other.key.decode(),
        "broken": good.key.decode()[:100],
        "expired": texts(expired),
    }
    for names, sentence in (
        (
            ("none",),
            "the certificate secretsmanager:none cannot be read: the secret none: AccessDeniedException: it is",
        ),
        (("text",), "the certificate cannot be used: secretsmanager:text: there is no certificate in PEM"),
        (("key",), "secretsmanager:key: there is no certificate in PEM"),
        (("chain",), "secretsmanager:chain: there is no private key in PEM that can be read"),
        (("chain", "broken"), "secretsmanager:broken: there is no private key in PEM that can be read"),
        (("chain", "locked"), "secretsmanager:locked: the private key is encrypted: give it without a passphrase"),
        (
            ("chain", "other"),
            "the key in secretsmanager:other is not the key of the first certificate in secretsmanager:chain",
        ),
        (("expired",), "ImportCertificate: ValidationException: The certificate has expired."),
    ):
        with pytest.raises(CannotDeclare) as refused:
            await house.declarer.apply(declared(*names))
        assert f"server {ID}: " in str(refused.value)
        assert sentence in str(refused.value)
        for pair in (good, other, expired):
            assert not any(line in str(refused.value) for line in pair.key.decode().splitlines()[1:-1])
        assert (await house.shown()).encode() == good.body
    assert len(await house.kept()) == 1


async def test_where_files_come_first_both_are_one_too_many():
    house = House(secrets={"both": texts(self_signed())})
    declarer = replace(house.declarer, in_files=lambda server_id: server_id == ID)
    with pytest.raises(CannotDeclare, match=r"ftps\.certificates of the settings has a certificate for it, or for all"):
        await declarer.apply(declared("both"))
    assert await house.kept() == []
