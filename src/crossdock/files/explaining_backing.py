"""The step of `explain` about a bucket that is attached: its objects lie in another S3, under that S3's own rules.

Our policies decide about our names. What the other S3 lets the backing's credentials do, only that S3 knows: it is
asked for a listing, which writes nothing, and the rest is said to be not seen.
"""

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.explained_steps import Steps
from crossdock.files.verbs import FileVerb
from crossdock.ports.trials import TrialSession

OTHER_S3 = "other S3"
_LISTING = frozenset({FileVerb.LIST, FileVerb.ENTER})
"""What the look at the directory asks in full, as the command would."""


async def find_behind(session: TrialSession, steps: Steps, verb: FileVerb, *places: ObjectPlace) -> None:
    """Notes a step for each of these buckets that is attached.

    Raises Stopped, with the step noted, where the other S3 does not answer.
    """
    for bucket in dict.fromkeys(place.bucket for place in places):
        backing = await session.backing_of(bucket)
        if backing is None:
            continue
        whose = f"the credentials of {backing.credentials_from}"
        try:
            await session.try_backing(bucket)
        except FileError as error:
            steps.unknown(
                OTHER_S3,
                f"{bucket} is attached to {backing.where}, which does not list what it has to {whose}: {error}",
                remedy=f"see to that S3 and to these credentials; `crossdock bucket attach {bucket} …` tries them",
            )
        steps.fine(OTHER_S3, f"{bucket} is attached to {backing.where}, which lists what it has to {whose}")
        if verb not in _LISTING:
            steps.not_seen.append(
                f"what else {backing.where} lets {whose} do: that S3 decides about its own credentials, and is not "
                "evaluated"
            )
