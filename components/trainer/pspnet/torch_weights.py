"""Reads the tensors of a PyTorch state dict without PyTorch.

The format is the one that `torch.save` wrote before PyTorch 1.6 (the "legacy" format): a row of pickles
(magic number, protocol version, system information, the state dict itself, the list of storage keys), then
for each storage its element count (int64) and its elements, little-endian. In the pickled state dict a tensor
is a call of `torch._utils._rebuild_tensor_v2` on a reference to its storage.
"""

import collections
import math
import os
import pickle
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_ZIP_SIGNATURE = b"PK\x03\x04"

_STORAGE_DTYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}


class _StorageReference(NamedTuple):
    key: str
    dtype: np.dtype
    element_count: int


class _TensorView(NamedTuple):
    """A tensor whose storage is not read yet: storages follow the state dict in the file."""

    storage: _StorageReference
    offset: int
    shape: Sequence[int]
    strides: Sequence[int]


class _StateDictUnpickler(pickle.Unpickler):
    """Unpickles only what a state dict is made of, as a pickle may otherwise call any function."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _StorageReference] = {}

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild_tensor
        if module == "torch" and name in _STORAGE_DTYPES:
            return _STORAGE_DTYPES[name]
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, which a state dict does not need")

    def persistent_load(self, pid: Any) -> _StorageReference:
        kind, dtype, key, _, element_count, view = pid
        if kind != "storage" or view is not None or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("it refers to something other than a whole tensor storage")
        return self.storages.setdefault(key, _StorageReference(key, dtype, element_count))

    # A method, as a pickle can set attributes of a plain function and so alter it for later calls.
    def _rebuild_tensor(
        self,
        storage: _StorageReference,
        offset: int,
        shape: Sequence[int],
        strides: Sequence[int],
        *_: object,
    ) -> _TensorView:
        return _TensorView(storage, offset, shape, strides)


def read_torch_archive(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a PyTorch state dict, saved in PyTorch's legacy (not zip) format, without running its code.

    Args:
        path: The file, usually named `*.pth`.

    Returns:
        A writable array by state dict key (such as `_conv_stem.weight`), of the shape and dtype that the
        tensor has in PyTorch: a convolution's kernel is [output channels, input channels / groups, height,
        width].

    Raises:
        OSError: The file cannot be opened.
        ValueError: The file is no legacy PyTorch archive, is truncated or inconsistent, or its pickle refers
            to a global other than those of a state dict. The message names the file and the refused global.
    """
    with Path(path).open("rb") as file:
        try:
            return _read_state_dict(file)
        # A broken pickle can raise almost anything: pickle documents no closed list of exceptions.
        except Exception as error:
            raise ValueError(f"{os.fspath(path)} is not a readable PyTorch state dict: {error}") from error


def _read_state_dict(file: BinaryIO) -> dict[str, np.ndarray]:
    _read_header(file)
    unpickler = _StateDictUnpickler(file)
    state = unpickler.load()
    if not isinstance(state, dict):
        raise ValueError(f"it holds a {type(state).__name__}, not a state dict")
    storage_keys = _StateDictUnpickler(file).load()
    storages = {key: _read_storage(file, unpickler.storages[key]) for key in storage_keys}
    return {key: _tensor_array(key, value, storages) for key, value in state.items()}


def _read_header(file: BinaryIO) -> None:
    start = file.read(len(_ZIP_SIGNATURE))
    file.seek(0)
    if start == _ZIP_SIGNATURE:
        raise ValueError("it has PyTorch's zip format, of which only the legacy predecessor is supported")
    if not start.startswith(pickle.PROTO):
        raise ValueError("it does not start with a pickle")
    if _StateDictUnpickler(file).load() != _MAGIC_NUMBER:
        raise ValueError("it does not start with PyTorch's magic number")
    version = _StateDictUnpickler(file).load()
    if version != _PROTOCOL_VERSION:
        raise ValueError(f"it has protocol version {version}, not {_PROTOCOL_VERSION}")
    if not _StateDictUnpickler(file).load()["little_endian"]:
        raise ValueError("it was saved on a big-endian machine")


def _read_storage(file: BinaryIO, reference: _StorageReference) -> np.ndarray:
    element_count = int.from_bytes(file.read(8), "little", signed=True)
    if element_count != reference.element_count:
        raise ValueError(f"storage {reference.key} holds {element_count} elements instead of {reference.element_count}")
    size = element_count * reference.dtype.itemsize
    data = file.read(size)
    if len(data) != size:
        raise ValueError(f"storage {reference.key} is truncated: {len(data)} of {size} bytes")
    return np.frombuffer(data, reference.dtype)


def _tensor_array(key: Hashable, value: object, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    if not isinstance(key, str) or not isinstance(value, _TensorView):
        raise ValueError(f"its entry {key!r} is not a tensor")
    storage = storages[value.storage.key]
    _check_bounds(key, value, storage.size)
    strides = [stride * storage.itemsize for stride in value.strides]
    view = np.lib.stride_tricks.as_strided(storage[value.offset :], value.shape, strides)
    return np.array(view, order="C")


def _check_bounds(key: str, view: _TensorView, storage_size: int) -> None:
    """Refuses a view that reaches outside its storage, as NumPy would read whatever memory lies there."""
    same_rank = len(view.shape) == len(view.strides)
    if not same_rank or min(view.offset, *view.shape, *view.strides, 0) < 0:
        raise ValueError(f"tensor {key} has a malformed shape or strides")
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
    if math.prod(view.shape) > storage_size or (0 not in view.shape and last >= storage_size):
        raise ValueError(f"tensor {key} reaches outside its storage of {storage_size} elements")
