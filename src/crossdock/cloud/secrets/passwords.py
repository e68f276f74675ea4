"""GetRandomPassword.

Source: Secrets Manager API Reference, GetRandomPassword.
"""

import string
from collections.abc import Sequence

from crossdock.cloud.secrets.faults import invalid_parameter, invalid_request
from crossdock.cloud.secrets.vault import Vault
from crossdock.core.ids import Entropy
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result

DEFAULT_LENGTH = 32

_KINDS = (
    ("ExcludeLowercase", string.ascii_lowercase),
    ("ExcludeUppercase", string.ascii_uppercase),
    ("ExcludeNumbers", string.digits),
    ("ExcludePunctuation", string.punctuation),
)


async def get_random_password(_vault: Vault, call: Call) -> Result:
    params = call.params
    length: int = params.get("PasswordLength", DEFAULT_LENGTH)
    kinds = _kinds(params)
    if not any(kinds):
        raise invalid_parameter("The password would have no characters to choose from.")
    required = [kind for kind in kinds if kind] if params.get("RequireEachIncludedType", True) else []
    if len(required) > length:
        raise invalid_request("Password length is too short based on the required types.")
    dice = _Dice(call.house.entropy)
    everything = "".join(kinds)
    characters = [dice.one_of(kind) for kind in required]
    characters += [dice.one_of(everything) for _ in range(length - len(required))]
    # Those that had to be there must not all stand in front.
    for last in range(len(characters) - 1, 0, -1):
        other = dice.below(last + 1)
        characters[last], characters[other] = characters[other], characters[last]
    return {"RandomPassword": "".join(characters)}


def _kinds(params: Params) -> list[str]:
    """The characters of each included type, without the excluded ones."""
    excluded = set(params.get("ExcludeCharacters", ""))
    included = [characters for name, characters in _KINDS if not params.get(name)]
    if params.get("IncludeSpace"):
        included.append(" ")
    return ["".join(char for char in characters if char not in excluded) for characters in included]


class _Dice:
    """Even choices from random bytes: those that would make some outcomes likelier are thrown again."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def below(self, bound: int) -> int:
        limit = (1 << 32) - (1 << 32) % bound
        while (value := int.from_bytes(self._entropy(4))) >= limit:
            pass
        return value % bound

    def one_of(self, characters: Sequence[str]) -> str:
        return characters[self.below(len(characters))]
