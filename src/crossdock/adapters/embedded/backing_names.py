"""Objects of an attached bucket by their names here, and by those in the other S3. Pure."""

from dataclasses import dataclass, replace

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo


@dataclass(frozen=True, slots=True)
class BackingNames:
    """`bucket` has a backing."""

    bucket: Bucket

    @property
    def backing(self) -> Backing:
        if self.bucket.backing is None:
            raise ValueError(f"the objects of {self.bucket.name} lie here")
        return self.bucket.backing

    def there(self, place: ObjectPlace) -> ObjectPlace:
        return ObjectPlace(bucket=self.backing.bucket, key=self.backing.key_of(place.key))

    def info_there(self, info: ObjectInfo) -> ObjectInfo:
        return replace(info, place=self.there(info.place))

    def info_here(self, info: ObjectInfo) -> ObjectInfo:
        """Raises Unavailable as `key_here` does."""
        return replace(info, place=ObjectPlace(bucket=self.bucket.name, key=self.key_here(info.place.key)))

    def key_here(self, key: str) -> str:
        """Raises Unavailable: an S3 that shows what was not asked for shows what is not this bucket's."""
        try:
            return self.backing.own_key(key)
        except ValueError as error:
            raise Unavailable(f"behind the bucket {self.bucket.name}: another key was answered, {error}") from error
