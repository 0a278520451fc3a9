import collections
import io
import os
import pickle
import sys
import types

import numpy as np
import pytest

from components.trainer.pspnet.efficientnet_lite0 import read_pretrained_weights
from components.trainer.pspnet.torch_weights import read_torch_archive

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


class Storage:
    """Stands for a tensor storage while an archive is written."""

    def __init__(self, key, values, torch_type):
        self.key, self.values, self.torch_type = key, np.asarray(values), torch_type


class Tensor:
    """Pickles as PyTorch's tensors do: as a call of `torch._utils._rebuild_tensor_v2`."""

    def __init__(self, storage, shape, strides, offset=0):
        self.view = (storage, offset, shape, strides)

    def __reduce__(self):
        hooks: collections.OrderedDict[str, object] = collections.OrderedDict()
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (*self.view, False, hooks)


class ArchivePickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        return "storage", getattr(sys.modules["torch"], obj.torch_type), obj.key, "cpu", obj.values.size, None


@pytest.fixture(autouse=True)
def torch_names(monkeypatch):
    """Modules with the names that an archive refers to, for pickle to find while it writes one."""

    def _rebuild_tensor_v2(): ...

    _rebuild_tensor_v2.__qualname__, _rebuild_tensor_v2.__module__ = "_rebuild_tensor_v2", "torch._utils"
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "DoubleStorage", "HalfStorage", "LongStorage", "IntStorage", "BoolStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    vars(utils)["_rebuild_tensor_v2"] = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def archive_bytes(state, storages=(), *, little_endian=True, version=1001):
    file = io.BytesIO()
    for header in (MAGIC_NUMBER, version, {"little_endian": little_endian}):
        pickle.dump(header, file, protocol=2)
    ArchivePickler(file, protocol=2).dump(state)
    pickle.dump([storage.key for storage in storages], file, protocol=2)
    for storage in storages:
        file.write(storage.values.size.to_bytes(8, "little") + storage.values.tobytes())
    return file.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_bytes(content):
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        return read_torch_archive(path)

    return read_bytes


@pytest.mark.parametrize(
    ("torch_type", "dtype"),
    [
        ("FloatStorage", np.float32),
        ("DoubleStorage", np.float64),
        ("HalfStorage", np.float16),
        ("LongStorage", np.int64),
        ("IntStorage", np.int32),
    ],
)
def test_reads_values_shape_and_dtype(read, torch_type, dtype):
    storage = Storage("0", np.arange(6, dtype=dtype), torch_type)
    array = read(archive_bytes({"weight": Tensor(storage, (2, 3), (3, 1))}, [storage]))["weight"]
    assert array.dtype == dtype
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_reads_transposed_offset_scalar_and_empty_tensors_of_one_storage(read):
    storage = Storage("0", np.arange(7, dtype=np.float32), "FloatStorage")
    state = collections.OrderedDict(
        transposed=Tensor(storage, (3, 2), (1, 3), offset=1),
        scalar=Tensor(storage, (), (), offset=6),
        empty=Tensor(storage, (0, 4), (4, 1)),
    )
    arrays = read(archive_bytes(state, [storage]))
    assert list(arrays) == ["transposed", "scalar", "empty"]
    assert arrays["transposed"].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert arrays["scalar"].tolist() == 6
    assert arrays["empty"].shape == (0, 4)
    arrays["transposed"][:] = 0
    assert arrays["scalar"] == 6


class RunsCommand:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("place", ["header", "state"])
def test_refuses_to_run_code(tmp_path, read, place):
    trace = tmp_path / "trace"
    attack = RunsCommand(f"touch {trace}")
    content = pickle.dumps(attack, protocol=2) if place == "header" else archive_bytes({"weight": attack})
    with pytest.raises(ValueError, match=rf"weights\.pth.*{os.system.__module__}\.system"):
        read(content)
    assert not trace.exists()


def test_refuses_globals_reached_through_dotted_names(read):
    attack = b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93."
    with pytest.raises(ValueError, match=r"weights\.pth.*OrderedDict\.__init__"):
        read(attack)


def test_refuses_unsupported_storage_types(read):
    storage = Storage("0", np.array([True]), "BoolStorage")
    with pytest.raises(ValueError, match=r"weights\.pth.*torch\.BoolStorage"):
        read(archive_bytes({"mask": Tensor(storage, (1,), (1,))}, [storage]))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((5,), (1,), 0),
        ((2,), (4,), 0),
        ((1,), (1,), 4),
        ((2,), (-1,), 1),
        ((1,), (1,), -1),
        ((1_000_000_000,), (0,), 0),
        ((2, 2), (1,), 0),
    ],
)
def test_refuses_tensors_outside_their_storage(read, shape, strides, offset):
    storage = Storage("0", np.arange(4, dtype=np.float32), "FloatStorage")
    with pytest.raises(ValueError, match=r"weights\.pth.*tensor weight"):
        read(archive_bytes({"weight": Tensor(storage, shape, strides, offset)}, [storage]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not start with a pickle"),
        (b"<html>not found</html>", "does not start with a pickle"),
        (b"PK\x03\x04rest", "zip format"),
        (pickle.dumps(1, protocol=2), "magic number"),
        (archive_bytes({}, version=1002), "protocol version 1002"),
        (archive_bytes({}, little_endian=False), "big-endian"),
        (archive_bytes([1]), "a list, not a state dict"),
        (archive_bytes({"epoch": 3}), "'epoch' is not a tensor"),
    ],
)
def test_names_the_file_and_what_is_wrong_with_it(read, content, message):
    with pytest.raises(ValueError, match=rf"weights\.pth is not a readable PyTorch state dict: .*{message}"):
        read(content)


def test_refuses_every_truncation(read):
    storage = Storage("0", np.arange(4, dtype=np.float32), "FloatStorage")
    content = archive_bytes({"weight": Tensor(storage, (4,), (1,))}, [storage])
    for length in range(len(content)):
        with pytest.raises(ValueError, match=r"weights\.pth"):
            read(content[:length])


def test_missing_file_is_not_reported_as_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_torch_archive(tmp_path / "absent.pth")


def test_reads_the_pretrained_weights():
    state = read_pretrained_weights()
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_blocks.15._project_conv.weight"].shape == (320, 1152, 1, 1)
    assert state["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(array).all() for array in state.values())
    assert all((array >= 0).all() for key, array in state.items() if key.endswith("running_var"))
