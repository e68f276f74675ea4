"""Who is asking, in the kinds that IAM knows."""

from dataclasses import dataclass

from crossdock.core.arns import Arn


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRoot:
    """The account itself."""

    account_id: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:root"

    @property
    def user_id(self) -> str:
        return self.account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class IamUser:
    """A user with long-lived keys; `user_id` is its `AIDA…` id."""

    account_id: str
    user_name: str
    user_id: str
    path: str = "/"

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:user{self.path}{self.user_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedRole:
    """A session of a role: what STS hands out, and what every file session is."""

    role_arn: Arn
    role_id: str
    session_name: str

    @property
    def account_id(self) -> str:
        return self.role_arn.account_id

    @property
    def role_name(self) -> str:
        """The role's name without its path."""
        return self.role_arn.resource.rsplit("/", 1)[-1]

    @property
    def arn(self) -> str:
        """The session's ARN, in which STS leaves out the role's path."""
        return f"arn:{self.role_arn.partition}:sts::{self.account_id}:assumed-role/{self.role_name}/{self.session_name}"

    @property
    def user_id(self) -> str:
        """`AROA…:session`, the `aws:userId` that a bucket policy can match with `AROA…:*`."""
        return f"{self.role_id}:{self.session_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """An AWS service that acts for itself, such as `transfer.amazonaws.com`; it belongs to no account."""

    name: str

    @property
    def account_id(self) -> str:
        return ""

    @property
    def arn(self) -> str:
        return self.name

    @property
    def user_id(self) -> str:
        return ""


TRANSFER = ServicePrincipal(name="transfer.amazonaws.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymous:
    """Nobody: an unsigned request."""

    @property
    def account_id(self) -> str:
        return ""

    @property
    def arn(self) -> str:
        return "*"

    @property
    def user_id(self) -> str:
        return "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedUser:
    """A session of GetFederationToken, which works with the policies of the user who made it, its `issuer`.

    The session's ARN does not tell who that is: `issuer` is None where nobody does.
    """

    account_id: str
    session_name: str
    issuer: IamUser | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:sts::{self.account_id}:federated-user/{self.session_name}"

    @property
    def user_id(self) -> str:
        return f"{self.account_id}:{self.session_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """Somebody for whom an identity provider vouches (OpenID Connect or SAML), about to assume a role.

    `provider` is its ARN in IAM, or the domain of one that AWS knows by itself. Who has assumed the role is an
    AssumedRole.
    """

    provider: str

    @property
    def account_id(self) -> str:
        return ""

    @property
    def arn(self) -> str:
        return self.provider

    @property
    def user_id(self) -> str:
        return ""


Principal = AccountRoot | IamUser | AssumedRole | ServicePrincipal | Anonymous
"""Who calls operations here."""

Asker = Principal | FederatedUser | ExternalIdentity
"""Who can ask a policy: also those for whom nothing here hands out credentials."""
