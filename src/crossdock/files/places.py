"""Which place in a bucket a client's path means, for each way of using it. Pure."""

from crossdock.core.errors import Denied, Exists, FileError, IsADirectory, NotADirectory, NotFound
from crossdock.core.homes import (
    HomeDirectory,
    Location,
    ObjectPlace,
    is_given_directory,
    is_given_file,
    locate,
    virtual_children,
)
from crossdock.files.keys import check_key, check_path


class Places:
    """A home directory, asked with a client's paths. Every method raises InvalidName for what no path can be."""

    def __init__(self, home: HomeDirectory) -> None:
        self._home = home

    def locate(self, path: str) -> Location:
        check_path(path)
        location = locate(self._home, path)
        if isinstance(location, ObjectPlace):
            check_key(location)
        return location

    def is_given(self, path: str) -> bool:
        """Whether the home itself makes the path a directory: it is there without a key, and cannot be removed."""
        return is_given_directory(self._home, path)

    def is_mapped_file(self, path: str) -> bool:
        """Whether the path stands for one object, whatever other keys begin as its key does."""
        return is_given_file(self._home, path)

    def names_below(self, path: str) -> tuple[str, ...]:
        """Names that the home puts directly below a path."""
        return virtual_children(self._home, path)

    def of_file(self, path: str) -> ObjectPlace:
        """Where a file of this path lies, or would. Raises NotFound, IsADirectory."""
        location = self.locate(path)
        if self.is_given(path):
            raise IsADirectory(f"{path} is a directory of the home directory's layout")
        # A bucket is no file. In a PATH home of "/" the name of a file is taken for a bucket: AWS answers not found.
        if not isinstance(location, ObjectPlace) or not location.key:
            raise NotFound(f"no file can be at {path}")
        return location

    def of_directory_to_make(self, path: str) -> ObjectPlace:
        """Raises NotFound where nothing is mapped, Exists, Denied."""
        return self._of_directory(
            path,
            if_given=Exists(f"{path} is a directory already"),
            if_file=Exists(f"{path} is a file of the home directory's layout"),
            if_bucket=Denied(f"{path} would be a bucket: buckets are not made here"),
        )

    def of_directory_to_remove(self, path: str) -> ObjectPlace:
        """Raises NotFound where nothing is mapped, NotADirectory, Denied."""
        return self._of_directory(
            path,
            if_given=Denied(f"{path} is part of the home directory's layout"),
            if_file=NotADirectory(f"{path} is a file of the home directory's layout"),
            if_bucket=Denied(f"{path} is a bucket: buckets are not removed here"),
        )

    def _of_directory(self, path: str, *, if_given: FileError, if_file: FileError, if_bucket: FileError) -> ObjectPlace:
        location = self.locate(path)
        if self.is_given(path):
            raise if_given
        if self.is_mapped_file(path):
            raise if_file
        if not isinstance(location, ObjectPlace):
            raise NotFound(f"nothing is mapped at {path}")
        if not location.key:
            raise if_bucket
        check_key(ObjectPlace(bucket=location.bucket, key=location.directory_prefix))
        return location
