"""`s3://` for TFX's file interface, by PyArrow, which the environment has anyway.

TensorFlow left S3 to an extra package that has no release for it any more. Credentials are found where the AWS SDK
looks for them (AWS_ACCESS_KEY_ID and its kin, a web identity, the node); AWS_ENDPOINT_URL names another server, such as
MinIO. `gs://` is TensorFlow's own and needs nothing.
"""

from __future__ import annotations

import functools
import io
import os
import types
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlparse

from pyarrow import fs
from tfx.dsl.io import filesystem, filesystem_registry

SCHEME = "s3://"
_DEFAULT_REGION = "us-east-1"


@functools.cache
def connect() -> fs.FileSystem:
    """The store; one connection a process."""
    options: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlparse(endpoint)
        options = {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION
    return fs.S3FileSystem(region=region, **options)


class ObjectStore(filesystem.Filesystem):
    """What TFX asks of a file system. Folders are prefixes: they are there as long as something is in them."""

    SUPPORTED_SCHEMES = [SCHEME]  # noqa: RUF012 - TFX's interface

    @staticmethod
    def open(name: Any, mode: str = "r") -> Any:  # noqa: D102 - as in TFX, and all below
        if mode in ("r", "rb"):
            _need_file(name)
            stream = connect().open_input_file(_path(name))
        elif mode in ("w", "wb"):
            stream = connect().open_output_stream(_path(name))
        else:
            raise ValueError(f"{name}: objects are read or written whole, not opened with mode {mode!r}")
        return stream if "b" in mode else io.TextIOWrapper(stream, encoding="utf-8")

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:  # noqa: D102
        _need_file(src)
        if not overwrite and ObjectStore.exists(dst):
            raise OSError(f"{dst} is there already")
        connect().copy_file(_path(src), _path(dst))

    @staticmethod
    def exists(path: Any) -> bool:  # noqa: D102
        return _info(path).type != fs.FileType.NotFound

    @staticmethod
    def glob(pattern: Any) -> list[Any]:  # noqa: D102
        import fnmatch

        folder = pattern.rpartition("/")[0]
        names = ObjectStore.listdir(folder) if ObjectStore.isdir(folder) else []
        return [f"{folder}/{name}" for name in names if fnmatch.fnmatch(f"{folder}/{name}", pattern)]

    @staticmethod
    def isdir(path: Any) -> bool:  # noqa: D102
        return _info(path).type == fs.FileType.Directory

    @staticmethod
    def listdir(path: Any) -> list[Any]:  # noqa: D102
        return sorted(one.base_name for one in _listed(path, recursive=False))

    @staticmethod
    def makedirs(path: Any) -> None:
        """Nothing: what is written makes its folders."""

    @staticmethod
    def mkdir(path: Any) -> None:
        """Nothing: what is written makes its folders."""

    @staticmethod
    def remove(path: Any) -> None:  # noqa: D102
        _need_file(path)
        connect().delete_file(_path(path))

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Copies and deletes: a store has no renaming, so that whoever reads meanwhile sees a part."""
        if _info(src).type == fs.FileType.File:
            ObjectStore.copy(src, dst, overwrite=overwrite)
            return ObjectStore.remove(src)
        for one in _listed(src, recursive=True):
            if one.type == fs.FileType.File:
                below = one.path.removeprefix(_path(src).rstrip("/") + "/")
                connect().copy_file(one.path, f"{_path(dst).rstrip('/')}/{below}")
        return ObjectStore.rmtree(src)

    @staticmethod
    def rmtree(path: Any) -> None:  # noqa: D102
        connect().delete_dir(_path(path))

    @staticmethod
    def stat(path: Any) -> Any:  # noqa: D102
        _need_file(path)
        found = _info(path)
        return types.SimpleNamespace(length=found.size, mtime_nsec=found.mtime_ns or 0)

    @staticmethod
    def walk(  # noqa: D102
        top: Any, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        entries = _listed(top, recursive=False)
        folders = sorted(one.base_name for one in entries if one.type == fs.FileType.Directory)
        found = (top, folders, sorted(one.base_name for one in entries if one.type == fs.FileType.File))
        if topdown:
            yield found
        for name in folders:
            yield from ObjectStore.walk(f"{top.rstrip('/')}/{name}", topdown, onerror)
        if not topdown:
            yield found


def register() -> None:
    """Makes TFX use this for `s3://`; TensorFlow, which it would ask otherwise, does not know the scheme."""
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(ObjectStore, priority=0)


def _path(uri: Any) -> str:
    return uri.removeprefix(SCHEME)


def _info(uri: Any) -> fs.FileInfo:
    return connect().get_file_info(_path(uri))


def _listed(uri: Any, *, recursive: bool) -> list[fs.FileInfo]:
    if _info(uri).type != fs.FileType.Directory:
        raise filesystem.NotFoundError(f"there is no folder {uri}")
    return connect().get_file_info(fs.FileSelector(_path(uri), recursive=recursive))


def _need_file(uri: Any) -> None:
    if _info(uri).type != fs.FileType.File:
        raise filesystem.NotFoundError(f"there is no file {uri}")


register()
