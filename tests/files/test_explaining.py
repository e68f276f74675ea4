"""The walk of `explain`: every step in order, decided by policies that a test gives, on an object store in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.fakes.house import CountingEntropy
from tests.fakes.logins import IDENTITY, ROLE, SERVER, MemoryDirectory, ScriptedProvider, answer
from tests.fakes.object_store import MemoryS3

from crossdock.core.arns import parse_arn
from crossdock.core.backings import Backing
from crossdock.core.errors import FileError, NotFound, Unavailable
from crossdock.core.homes import HomeMapping, LogicalHome, MappingType, ObjectPlace, PathHome
from crossdock.core.logins import Identity, Password
from crossdock.core.principals import AssumedRole, ServicePrincipal
from crossdock.core.servers import FileProtocol, IdentityProviderChoice, IdentityProviderType, Server, ServerState
from crossdock.files.explaining import COMMANDS, Explainer
from crossdock.files.explanations import Explanation, Outcome, Question, covering
from crossdock.files.verbs import APART, VERBS, Need
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import (
    AccessRequest,
    Decision,
    Layer,
    NamedPolicy,
    PolicySet,
    UnreadLayer,
    context_of,
    evaluate,
    evaluate_key,
    evaluate_trust,
)
from crossdock.policy.fixes import AddStatement, RemoveStatement
from crossdock.ports.authority import RoleRequest
from crossdock.ports.objects import ObjectStore
from crossdock.ports.trials import Assumption, KeyQuestion, ObjectQuestion

HUB = "111111111111"
ROLE_ID = "AROAEXAMPLEROLEID0001"
TRUST = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
KEY = f"arn:aws:kms:us-east-1:{HUB}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def policy(name: str, kind: PolicyKind, *statements: Mapping[str, object]) -> NamedPolicy:
    return NamedPolicy(name=name, policy=parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind))


@dataclass(slots=True)
class FakeSession:
    """Implements `ports.trials.TrialSession`."""

    principal: AssumedRole
    store: ObjectStore | None
    policies: PolicySet
    silent_about: frozenset[str] = frozenset()
    asked: list[ObjectQuestion] = field(default_factory=list)
    acls: Mapping[str, str] = field(default_factory=dict)
    key: NamedPolicy | FileError | None = None
    backings: Mapping[str, Backing] = field(default_factory=dict)
    behind: FileError | None = None
    follows_aws_buckets: bool = True
    denied_without_acl: bool = False

    async def acl_in(self, bucket: str) -> str:
        return self.acls.get(bucket, "")

    async def decide(self, question: ObjectQuestion) -> Decision:
        self.asked.append(question)
        if question.place.bucket == "absent":
            raise NotFound("there is no bucket absent")
        if question.action in self.silent_about:
            raise Unavailable("the disk does not answer")
        if self.denied_without_acl and question.action == "s3:PutObject" and not question.acl:
            return self._decide("s3:Nothing", question.place.bucket, question.place.key)
        of = question.source if question.source and question.action == "s3:GetObject" else question.place
        return self._decide(question.action, of.bucket, of.key)

    async def decide_key(self, question: KeyQuestion) -> Decision | None:
        if self.key is None:
            return None
        if isinstance(self.key, FileError):
            raise self.key
        request = AccessRequest(
            principal=self.principal, action=question.action, resource=KEY, resource_account=HUB, context={}
        )
        return evaluate_key(request, self.key, self.policies)

    async def backing_of(self, bucket: str) -> Backing | None:
        return self.backings.get(bucket)

    async def try_backing(self, bucket: str) -> None:
        if self.behind is not None:
            raise self.behind

    def allows(self, action: str, bucket: str, key: str) -> bool:
        """What the store is bound to: the very policies."""
        return self._decide(action, bucket, key).is_allowed

    def _decide(self, action: str, bucket: str, key: str) -> Decision:
        request = AccessRequest(
            principal=self.principal,
            action=action,
            resource=f"arn:aws:s3:::{bucket}" + ("" if action == "s3:ListBucket" else f"/{key}"),
            resource_account=HUB,
            context=context_of({}, principal=self.principal),
        )
        return evaluate(request, self.policies)


@dataclass(slots=True)
class FakeTrial:
    """Implements `ports.trials.RoleTrial`."""

    s3: MemoryS3
    trust: NamedPolicy = field(default_factory=lambda: policy("trust policy", PolicyKind.TRUST, TRUST))
    identity: tuple[NamedPolicy, ...] = (policy("buckets", PolicyKind.IDENTITY, EVERYTHING),)
    boundary: tuple[NamedPolicy, ...] = ()
    unreadable: frozenset[Layer] = frozenset()
    unread: tuple[UnreadLayer, ...] = ()
    looks: bool = True
    refusal: str = ""
    session_policy: str | None = None
    silent_about: frozenset[str] = frozenset()
    acls: Mapping[str, str] = field(default_factory=dict)
    key: NamedPolicy | FileError | None = None
    backings: Mapping[str, Backing] = field(default_factory=dict)
    behind: FileError | None = None
    follows_aws_buckets: bool = True
    denied_without_acl: bool = False
    session: FakeSession | None = None

    async def assume(self, asked: RoleRequest) -> Assumption:
        self.session_policy = asked.session_policy
        if "sts:AssumeRole" in self.silent_about:
            raise Unavailable("the disk does not answer.")
        request = AccessRequest(
            principal=ServicePrincipal(name="transfer.amazonaws.com"),
            action="sts:AssumeRole",
            resource=asked.role_arn,
            resource_account=HUB,
            context=context_of({"aws:SourceAccount": asked.server.account_id}),
        )
        decision = evaluate_trust(request, self.trust, PolicySet())
        if self.refusal or not decision.is_allowed:
            return Assumption(decision=decision, refusal=self.refusal)
        principal = AssumedRole(role_arn=parse_arn(asked.role_arn), role_id=ROLE_ID, session_name=asked.session_name)
        policies = PolicySet(
            identity=self.identity, boundary=self.boundary, unreadable=self.unreadable, unread=self.unread
        )
        self.session = FakeSession(principal, self.s3.store(), policies, self.silent_about, acls=self.acls)
        self.session.key, self.session.backings, self.session.behind = self.key, self.backings, self.behind
        self.session.follows_aws_buckets = self.follows_aws_buckets
        self.session.denied_without_acl = self.denied_without_acl
        self.session.store = self.s3.store(allows=self.session.allows) if self.looks else None
        return Assumption(decision=decision, session=self.session)

    async def living(self, ids: frozenset[str]) -> Mapping[str, str]:
        return {}


@pytest.fixture
def trial() -> FakeTrial:
    s3 = MemoryS3()
    s3.add_bucket("bucket")
    return FakeTrial(s3)


BACKING = Backing(bucket="incoming", prefix="x/", endpoint_url="https://s3.example.com", credentials_file="/keys")


async def ask(
    trial: FakeTrial,
    command: str = "put",
    path: str = "a.csv",
    *,
    target: str = "",
    identity: Identity | None = IDENTITY,
    server: Server = SERVER,
    provider: ScriptedProvider | None = None,
    password: str | None = None,
    protocol: FileProtocol | None = None,
) -> Explanation:
    explainer = Explainer(
        servers=MemoryDirectory((server,)),
        provider=provider or ScriptedProvider(),
        trial=trial,
        entropy=CountingEntropy(),
    )
    question = Question(
        server_id=SERVER.server_id,
        username="user1",
        command=command,
        path=path,
        target=target,
        protocol=protocol,
        identity=identity,
        password=None if password is None else Password(password),
    )
    return await explainer.explain(question)


async def test_every_step_of_an_upload_that_is_allowed(trial):
    found = await ask(trial)
    assert found.outcome is Outcome.ALLOWED
    assert [(step.name, step.outcome) for step in found.steps] == [
        ("server", Outcome.ALLOWED),
        ("identity provider", Outcome.ALLOWED),
        ("role", Outcome.ALLOWED),
        ("home directory", Outcome.ALLOWED),
        ("s3:PutObject", Outcome.ALLOWED),
        ("s3:AbortMultipartUpload", Outcome.ALLOWED),
    ]
    assert found.steps[3].reason == "a.csv is s3://bucket/home/a.csv"
    assert found.conclusion == "user1 may put a.csv on s-0123456789abcdef0."
    assert found.fixes == ()


async def test_the_provider_is_asked_with_the_password_and_its_answer_counts(trial):
    provider = ScriptedProvider()
    found = await ask(trial, identity=None, password="open sesame", provider=provider)
    assert found.outcome is Outcome.ALLOWED
    (attempt,) = provider.asked
    assert (attempt.credential, attempt.protocol) == (Password("open sesame"), FileProtocol.FTP)
    refused = await ask(trial, identity=None, password="x", provider=ScriptedProvider(answers={}))
    assert refused.steps[-1].reason == "Lambda IDP authentication failure"
    assert refused.outcome is Outcome.DENIED


async def test_an_answer_that_vouches_for_keys_is_no_answer_to_a_password(trial):
    keys = {"user1": answer(replace(IDENTITY, public_keys=("ssh-ed25519 AAAA",)))}
    found = await ask(trial, identity=None, password="x", provider=ScriptedProvider(answers=keys))
    assert (found.steps[-1].name, found.outcome) == ("identity provider", Outcome.DENIED)
    assert "answered a password with PublicKeys" in found.conclusion


async def test_without_an_answer_nothing_is_known(trial):
    found = await ask(trial, identity=None)
    assert found.outcome is Outcome.UNKNOWN
    assert found.conclusion.startswith("user1 may or may not be able to put a.csv on s-0123456789abcdef0: ")
    assert trial.session is None


@pytest.mark.parametrize(
    ("server", "protocol", "words"),
    [
        (replace(SERVER, state=ServerState.OFFLINE, is_wanted=False), None, "aws transfer start-server --server-id"),
        (SERVER, FileProtocol.SFTP, "does not speak SFTP"),
        (replace(SERVER, server_id="s-00000000000000000"), None, "there is no server s-0123456789abcdef0"),
    ],
)
async def test_a_server_that_would_not_admit_anybody_ends_the_walk(trial, server, protocol, words):
    found = await ask(trial, server=server, protocol=protocol)
    assert [step.name for step in found.steps] == ["server"]
    assert found.outcome is Outcome.DENIED
    assert words in found.conclusion


@pytest.mark.parametrize("kind", [IdentityProviderType.SERVICE_MANAGED, IdentityProviderType.AWS_LAMBDA])
async def test_who_logs_in_by_key_is_explained_without_a_password(trial, kind):
    server = replace(SERVER, protocols=(FileProtocol.SFTP,), identity_provider=IdentityProviderChoice(kind=kind))
    found = await ask(trial, server=server)
    assert found.outcome is Outcome.ALLOWED


async def test_a_role_that_does_not_trust_transfer_ends_the_walk_with_the_statement_to_add(trial):
    trial.trust = policy("trust policy", PolicyKind.TRUST, {**TRUST, "Principal": {"Service": "ec2.amazonaws.com"}})
    found = await ask(trial)
    assert (found.steps[-1].name, found.outcome) == ("role", Outcome.DENIED)
    (fix,) = found.fixes
    assert (fix.account_id, fix.attached_to) == (HUB, ROLE)
    assert isinstance(fix.change, AddStatement)
    assert fix.change.statement["Principal"] == {"Service": "transfer.amazonaws.com"}


async def test_what_sts_refuses_for_another_reason_is_told(trial):
    trial.refusal = "the session is too long"
    found = await ask(trial)
    assert (found.outcome, found.steps[-1].reason) == (Outcome.DENIED, "the session is too long")


async def test_a_session_policy_is_filled_before_it_is_used(trial):
    template = '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${transfer:HomeBucket}"}}'
    await ask(trial, identity=replace(IDENTITY, session_policy=template))
    assert trial.session_policy is not None
    assert "arn:aws:s3:::bucket" in trial.session_policy
    found = await ask(trial, identity=replace(IDENTITY, session_policy="{"))
    assert (found.steps[-1].name, found.outcome) == ("session policy", Outcome.DENIED)


async def test_a_denied_action_names_the_statement_for_the_users_home(trial):
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "s3:Get*"}),)
    found = await ask(trial)
    assert found.outcome is Outcome.DENIED
    (fix,) = found.fixes
    assert isinstance(fix.change, AddStatement)
    assert fix.change.statement == {
        "Sid": "AllowPutObject",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::bucket/home/*",
    }
    assert found.conclusion.endswith(
        f"To change that: in account {HUB}, add this statement to the policy buckets of transfer."
    )


async def test_every_fix_that_is_needed_is_named_in_the_conclusion(trial):
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "s3:Get*"}),)
    trial.boundary = (policy("limit", PolicyKind.BOUNDARY, {**EVERYTHING, "Action": "s3:Get*"}),)
    found = await ask(trial)
    assert len(found.fixes) == 2
    assert found.conclusion.endswith(
        f"To change that: in account {HUB}, add this statement to the policy buckets of transfer; and in account "
        f"{HUB}, add this statement to the permissions boundary limit of transfer."
    )


async def test_what_a_command_does_without_stands_in_nobodys_way(trial):
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "s3:PutObject"}),)
    found = await ask(trial)
    assert found.outcome is Outcome.ALLOWED
    assert [(step.name, step.is_needed) for step in found.steps if step.outcome is Outcome.DENIED] == [
        ("s3:AbortMultipartUpload", False)
    ]
    assert (await ask(trial, "mkdir", "new")).outcome is Outcome.ALLOWED


async def test_several_missing_actions_become_one_statement(trial):
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, {**EVERYTHING, "Action": "ec2:*"}),)
    found = await ask(trial, "mv", "a", target="b")
    statements = [fix.change.statement for fix in found.fixes if isinstance(fix.change, AddStatement)]
    assert [(one["Action"], one["Resource"]) for one in statements] == [
        (["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], "arn:aws:s3:::bucket/home/*"),
        ("s3:ListBucket", "arn:aws:s3:::bucket"),
    ]


async def test_a_layer_that_cannot_be_read_is_unknown_and_never_allowed(trial):
    trial.unreadable = frozenset({Layer.SERVICE_CONTROL})
    found = await ask(trial)
    assert found.outcome is Outcome.UNKNOWN
    assert "could not be read (service control policy)" in found.conclusion
    assert "To change that: replace the policy that cannot be read" in found.conclusion


async def test_why_a_layer_could_not_be_read_is_told_with_what_would_show_it(trial):
    layers = (Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL)
    trial.unreadable = frozenset(layers)
    trial.unread = tuple(UnreadLayer(layer=one, why="nobody may", remedy="let somebody") for one in layers)
    found = await ask(trial)
    assert found.outcome is Outcome.UNKNOWN
    assert found.conclusion.endswith(
        "could not be read (resource control policy, service control policy). To change that: let somebody."
    )
    renamed = await ask(trial, "mv", target="b.csv")
    assert len([step for step in renamed.steps if step.stands_in_the_way]) > 1
    assert renamed.conclusion.endswith(". To change that: let somebody.")


async def test_where_nobody_looks_at_objects_the_policies_alone_are_told(trial):
    missing = await ask(trial, "get")
    assert (missing.outcome, missing.steps[-1].name) == (Outcome.DENIED, "object")
    trial.looks = False
    found = await ask(trial, "get")
    assert (found.outcome, found.steps[-1].name) == (Outcome.ALLOWED, "s3:GetObject")


@pytest.mark.parametrize(
    ("silent_about", "step"), [("sts:AssumeRole", "role"), ("s3:PutObject", "s3:PutObject")], ids=["role", "action"]
)
async def test_what_cannot_be_found_out_is_unknown_and_ends_the_walk(trial, silent_about, step):
    trial.silent_about = frozenset({silent_about})
    found = await ask(trial)
    last = found.steps[-1]
    assert (last.name, last.outcome, last.reason) == (step, Outcome.UNKNOWN, "the disk does not answer")
    assert found.outcome is Outcome.UNKNOWN
    assert found.conclusion.endswith(": the disk does not answer.")


async def test_what_is_only_tried_may_be_unknown(trial):
    trial.silent_about = frozenset({"s3:AbortMultipartUpload"})
    found = await ask(trial)
    assert (found.steps[-1].outcome, found.outcome) == (Outcome.UNKNOWN, Outcome.ALLOWED)


async def test_a_provider_or_directory_that_does_not_answer_leaves_its_step_unknown(trial):
    class Silent:
        async def identify(self, *_about):
            raise Unavailable("no answer")

        async def server(self, _server_id):
            raise Unavailable("no answer")

    found = await ask(trial, identity=None, password="x", provider=Silent())
    assert (found.steps[-1].name, found.outcome) == ("identity provider", Outcome.UNKNOWN)
    explainer = Explainer(servers=Silent(), provider=Silent(), trial=trial, entropy=CountingEntropy())
    question = Question(server_id=SERVER.server_id, username="user1", command="put", path="a", identity=IDENTITY)
    found = await explainer.explain(question)
    assert [(step.name, step.outcome) for step in found.steps] == [("server", Outcome.UNKNOWN)]


async def test_a_session_policy_that_sts_refuses_is_the_session_policys_fault(trial):
    document = json.dumps({"Version": "2012-10-17", "Statement": {**EVERYTHING, "Principal": "*"}})
    found = await ask(trial, identity=replace(IDENTITY, session_policy=document))
    assert (found.steps[-1].name, found.outcome) == ("session policy", Outcome.DENIED)
    assert "the session policy cannot be used: " in found.conclusion
    assert not found.conclusion.endswith("..")
    assert trial.session is None


async def test_what_must_be_there_is_looked_for(trial):
    missing = await ask(trial, "get", "a.csv")
    assert (missing.outcome, missing.steps[-1].reason) == (Outcome.DENIED, "there is no object s3://bucket/home/a.csv")
    trial.s3.add("bucket", "home/a.csv")
    assert (await ask(trial, "get", "a.csv")).outcome is Outcome.ALLOWED


async def test_a_bucket_that_is_not_there_is_told(trial):
    found = await ask(trial, identity=replace(IDENTITY, home=PathHome(root="/absent")))
    assert (found.outcome, found.steps[-1].reason) == (Outcome.DENIED, "there is no bucket absent")


LOGICAL = replace(IDENTITY, home=LogicalHome(mappings=(HomeMapping(entry="/in", target="/bucket/x"),)))


async def test_a_path_that_no_mapping_contains_leads_nowhere(trial):
    found = await ask(trial, path="/out/a.csv", identity=LOGICAL)
    assert (found.steps[-1].name, found.outcome) == ("home directory", Outcome.DENIED)
    assert "/out/a.csv" in found.conclusion


async def test_a_directory_of_the_layout_asks_no_bucket(trial):
    found = await ask(trial, "ls", "/", identity=LOGICAL)
    assert (found.outcome, found.steps[-1].name) == (Outcome.ALLOWED, "home directory")
    assert trial.session is not None
    assert trial.session.asked == []


@pytest.mark.parametrize("acl", ["", "bucket-owner-full-control"])
@pytest.mark.parametrize("command", COMMANDS)
async def test_every_permission_of_the_table_is_asked_about_and_no_other(trial, command, acl):
    trial.acls = {"bucket": acl}
    if command != "mkdir":
        trial.s3.add("bucket", "home/a/" if command in ("ls", "cd", "rmdir") else "home/a")
    found = await ask(trial, command, "a", target="b" if command == "mv" else "")
    assert found.outcome is Outcome.ALLOWED
    asked = {step.name: step.is_needed for step in found.steps if step.decision is not None and step.name != "role"}
    table = [call for call in VERBS[COMMANDS[command]].calls if call.note != APART]
    table = [call for call in table if acl or call.action != "s3:PutObjectAcl"]
    said = {question.acl for question in trial.session.asked if question.action == "s3:PutObjectAcl"}
    assert said == ({acl} if acl and "s3:PutObject" in asked else set())
    assert asked.keys() == {call.action for call in table}
    assert all(asked[call.action] for call in table if call.need is Need.ALWAYS and call.action != "s3:ListBucket")


async def test_a_directory_that_is_given_is_entered_without_a_question(trial):
    trial.identity = ()
    for path in ("/", "/bucket/home", "."):
        assert (await ask(trial, "cd", path)).outcome is Outcome.ALLOWED
    assert (await ask(trial, "cd", "/in", identity=LOGICAL)).outcome is Outcome.ALLOWED
    assert (await ask(trial, "ls", "/in", identity=LOGICAL)).outcome is Outcome.DENIED
    assert (await ask(trial, "ls", "/")).outcome is Outcome.ALLOWED
    nowhere = replace(IDENTITY, home=PathHome(root="/"))
    assert (await ask(trial, "ls", "/", identity=nowhere)).outcome is Outcome.DENIED


async def test_a_slash_at_the_end_names_no_file(trial):
    for command in ("put", "get", "append", "rm", "mv"):
        assert (await ask(trial, command, "new/", target="x" if command == "mv" else "")).outcome is Outcome.DENIED
    assert (await ask(trial, "mv", "old", target="new/")).outcome is Outcome.DENIED
    assert (await ask(trial, "mkdir", "new/")).outcome is Outcome.ALLOWED


async def test_a_rename_into_another_bucket_lists_that_one(trial):
    mappings = (HomeMapping(entry="/a", target="/bucket/x"), HomeMapping(entry="/b", target="/other/y"))
    await ask(trial, "mv", "/a/1", target="/b/2", identity=replace(IDENTITY, home=LogicalHome(mappings=mappings)))
    assert trial.session is not None
    listed = [one.place.bucket for one in trial.session.asked if one.action == "s3:ListBucket"]
    assert listed == ["other"]


@pytest.mark.parametrize(("command", "listing"), [("ls", ("/", 1000)), ("cd", ("", 1)), ("rmdir", ("", 2))])
async def test_a_listing_is_asked_about_as_the_command_makes_it(trial, command, listing):
    await ask(trial, command, "sub")
    assert trial.session is not None
    assert [(one.delimiter, one.limit) for one in trial.session.asked if one.action == "s3:ListBucket"] == [listing]


@pytest.mark.parametrize(
    ("home", "key", "resource"),
    [
        (PathHome(root="/bucket/u1"), "u1/a", "u1/*"),
        (PathHome(root="/bucket/u1"), "u2/a", "u2/a"),
        (PathHome(), "u2/*", "u2/${*}"),
        (PathHome(root="/bucket/u*"), "u*/a", "u${*}/*"),
        (
            LogicalHome(mappings=(HomeMapping(entry="/f", target="/bucket/d/f", type=MappingType.FILE),)),
            "d/f",
            "d/f",
        ),
    ],
)
def test_a_statement_covers_the_home_directory_and_nothing_outside(home, key, resource):
    assert covering(home, ObjectPlace(bucket="bucket", key=key)) == (f"arn:aws:s3:::bucket/{resource}",)


async def test_what_several_actions_are_denied_by_is_taken_out_once_and_the_last_first(trial):
    denies = [{**EVERYTHING, "Effect": "Deny", "Action": action} for action in ("s3:Put*", "s3:*", "s3:Get*")]
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, *denies),)
    found = await ask(trial, "mv", "a", target="b")
    changes = [fix.change for fix in found.fixes]
    assert [one.number for one in changes if isinstance(one, RemoveStatement)] == [3, 2, 1]
    assert [type(one) for one in changes] == [AddStatement] * 2 + [RemoveStatement] * 3
    assert found.conclusion.count("take statement") == 2
    assert found.conclusion.endswith(" The rest of the command needs 2 more changes.")


def key(*actions: str) -> NamedPolicy:
    return policy(
        "key policy", PolicyKind.KEY, {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": "*"}
    )


BOTH = ("kms:GenerateDataKey", "kms:Decrypt")


@pytest.mark.parametrize(
    ("command", "paths", "actions"),
    [
        ("put", ("a.csv",), ["kms:GenerateDataKey", "kms:Decrypt"]),
        ("append", ("a.csv",), ["kms:GenerateDataKey", "kms:Decrypt"]),
        ("get", ("a.csv",), ["kms:Decrypt"]),
        ("mkdir", ("new",), ["kms:GenerateDataKey"]),
        ("mv", ("a.csv", "b.csv"), ["kms:Decrypt", "kms:GenerateDataKey"]),
        ("ls", (".",), []),
        ("rm", ("a.csv",), []),
    ],
)
async def test_a_key_is_asked_for_what_the_command_does_with_content(trial, command, paths, actions) -> None:
    trial.key = key(*BOTH)
    trial.s3.add("bucket", "home/a.csv")
    found = await ask(trial, command, paths[0], target="".join(paths[1:]))
    assert found.outcome is Outcome.ALLOWED
    asked = [step for step in found.steps if step.name.startswith("kms:")]
    assert [step.name for step in asked] == actions
    assert {step.subject for step in asked} <= {KEY}


async def test_a_key_that_withholds_itself_denies_and_has_a_fix(trial) -> None:
    trial.key = key("kms:Decrypt")
    found = await ask(trial)
    assert found.outcome is Outcome.DENIED
    step = found.steps[-2]
    assert (step.name, step.outcome) == ("kms:GenerateDataKey", Outcome.DENIED)
    assert [fix.attached_to for fix in found.fixes if fix.layer is Layer.RESOURCE] == [KEY]


async def test_what_only_a_large_file_asks_of_a_key_is_unknown_with_its_fix(trial) -> None:
    trial.key = key("kms:GenerateDataKey")
    found = await ask(trial)
    assert found.outcome is Outcome.UNKNOWN
    step = found.steps[-1]
    assert (step.name, step.outcome) == ("kms:Decrypt", Outcome.UNKNOWN)
    assert "that is asked for a file of more than one part (8 MiB)" in found.conclusion
    assert [fix.attached_to for fix in found.fixes if fix.layer is Layer.RESOURCE] == [KEY]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NotFound("there is no KMS key"), Outcome.DENIED), (Unavailable("KMS does not answer"), Outcome.UNKNOWN)],
)
async def test_a_key_that_cannot_be_asked_is_told(trial, error, outcome) -> None:
    trial.key = error
    found = await ask(trial)
    assert (found.outcome, found.steps[-1].name, found.steps[-1].reason) == (
        outcome,
        "kms:GenerateDataKey",
        str(error),
    )


async def test_of_an_attached_bucket_the_other_s3_is_named_and_what_is_not_seen_of_it(trial) -> None:
    trial.backings = {"bucket": BACKING}
    found = await ask(trial)
    assert found.outcome is Outcome.ALLOWED
    step = found.steps[-1]
    assert (step.name, step.outcome) == ("other S3", Outcome.ALLOWED)
    assert "s3://incoming/x/ at https://s3.example.com" in step.reason
    (unseen,) = found.not_seen
    assert "the credentials of the file /keys" in unseen
    assert "that S3 decides about its own credentials" in unseen
    trial.s3.add("bucket", "home/a.csv")
    assert (await ask(trial, "ls", ".")).not_seen == ()


async def test_an_other_s3_that_does_not_answer_its_credentials_is_unknown(trial) -> None:
    trial.backings, trial.behind = {"bucket": BACKING}, Unavailable("behind the bucket bucket: AccessDenied")
    found = await ask(trial)
    assert (found.outcome, found.steps[-1].name) == (Outcome.UNKNOWN, "other S3")
    assert "AccessDenied" in found.conclusion
    assert "crossdock bucket attach bucket" in found.conclusion
    trial.identity = ()
    assert (await ask(trial)).outcome is Outcome.DENIED  # by our own policies, whatever is behind


async def test_a_rename_names_what_is_behind_either_bucket(trial) -> None:
    trial.s3.add_bucket("other")
    trial.s3.add("bucket", "home/a.csv")
    trial.backings = {"bucket": BACKING, "other": replace(BACKING, bucket="outgoing")}
    found = await ask(trial, "mv", "a.csv", target="/other/a.csv")
    assert found.outcome is Outcome.ALLOWED
    said = [step.reason for step in found.steps if step.name == "other S3"]
    assert ["s3://incoming/x/" in said[0], "s3://outgoing/x/" in said[1]] == [True, True]


@pytest.mark.parametrize(
    ("goal", "operations"),
    [
        (None, ["GetObject", "PutObject", "AbortMultipartUpload"]),
        (replace(BACKING, credentials_file="/others"), ["GetObject", "PutObject", "AbortMultipartUpload"]),
        (replace(BACKING, bucket="outgoing"), ["CopyObject", "CopyObject"]),
    ],
)
async def test_a_rename_asks_what_copies_there_or_what_reads_and_writes_through_here(trial, goal, operations) -> None:
    trial.s3.add_bucket("other")
    trial.s3.add("bucket", "home/a.csv")
    trial.backings = {"bucket": BACKING, **({"other": goal} if goal else {})}
    found = await ask(trial, "mv", "a.csv", target="/other/a.csv")
    assert found.outcome is Outcome.ALLOWED
    asked = [question.operation for question in trial.session.asked]
    assert asked == ["HeadObject", "HeadObject", *operations, "DeleteObject"]


async def test_a_policy_that_wants_an_acl_of_the_parts_too_leaves_large_files_open(trial) -> None:
    trial.acls, trial.denied_without_acl = {"bucket": "bucket-owner-full-control"}, True
    trial.identity = (
        policy("puts", PolicyKind.IDENTITY, {**EVERYTHING, "Action": ["s3:Put*", "s3:Get*", "s3:List*"]}),
    )
    trial.s3.add("bucket", "home/a.csv")
    for command in ("put", "append"):
        found = await ask(trial, command)
        assert found.outcome is Outcome.UNKNOWN
        puts = [step.outcome for step in found.steps if step.name == "s3:PutObject"]
        assert puts == [Outcome.ALLOWED, Outcome.UNKNOWN]
        assert "that is asked for a file of more than one part (8 MiB)" in found.conclusion
    assert (await ask(trial, "mkdir", "new")).outcome is Outcome.ALLOWED
    trial.follows_aws_buckets = False
    assert (await ask(trial)).outcome is Outcome.ALLOWED
    trial.follows_aws_buckets, trial.denied_without_acl = True, False
    found = await ask(trial)
    assert [step.name for step in found.steps].count("s3:PutObject") == 1


async def test_a_write_that_says_too_little_is_met_by_a_setting_where_there_is_one(trial) -> None:
    unencrypted = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    unencrypted["Condition"] = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    trial.identity = (policy("buckets", PolicyKind.IDENTITY, EVERYTHING, unencrypted),)
    trial.follows_aws_buckets = True
    found = await ask(trial)
    assert found.outcome is Outcome.DENIED
    assert "(the request has no such key)" in found.conclusion
    assert 'set sse = "aws:kms" under [aws.buckets."bucket"]' in found.conclusion
    trial.follows_aws_buckets = False
    found = await ask(trial)
    assert "aws.buckets" not in found.conclusion
    assert [type(fix.change) for fix in found.fixes] == [RemoveStatement]
