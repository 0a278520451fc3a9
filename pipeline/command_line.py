"""Settings from flags and from a YAML file, for both runners."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, NoReturn

from components.settings import SettingError, nearest
from pipeline.config import GROUPS, SIZES, Config, as_text

CLUSTER_SECTION = "kubeflow"
"""Section of the settings file that only kubeflow_runner.py reads."""


class Parser(argparse.ArgumentParser):
    """Answers a wrong flag in one line that names the nearest right one."""

    def error(self, message: str) -> NoReturn:
        """Prints the line and exits with code 1, as every failure does."""
        unknown = next(iter(message.removeprefix("unrecognized arguments: ").split()), "")
        close = nearest(unknown.split("=")[0], self._option_string_actions) if unknown.startswith("-") else ""
        meant = f"; did you mean {close}?" if close else "; --help lists every setting"
        self.exit(1, f"{self.prog.removesuffix('.py')}: {message}{meant}\n")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every setting, in groups, and `--config`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="YAML file of settings by name; flags come before it, it before defaults",
    )
    for group, kind in GROUPS.items():
        section = parser.add_argument_group(group, (kind.__doc__ or "").splitlines()[0])
        for one in fields(kind):
            add_flag(section, one)


def read_config(arguments: argparse.Namespace) -> Config:
    """Builds the config from parsed arguments.

    Raises:
        SettingError: A setting is unknown or its value impossible.
    """
    values = read_file(arguments)
    values.pop(CLUSTER_SECTION, None)
    known = {one.name: one for kind in GROUPS.values() for one in fields(kind)}
    values |= {name: given for name in known if (given := getattr(arguments, name)) is not None}
    return Config.from_flat(
        {name: convert(known[name], value) if name in known else value for name, value in values.items()}
    )


def read_file(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the file of `--config` says, by name; empty without one.

    Raises:
        SettingError: The file cannot be read.
    """
    return _read_yaml(Path(arguments.config)) if arguments.config else {}


def add_flag(section: Any, one: Field) -> None:
    """Adds the flag of a setting."""
    flag = "--" + one.name.replace("_", "-")
    choices = ", ".join(name for name in getattr(one.metadata["rule"], "choices", ()) if name)
    told = one.metadata["help"] + (f"; one of {choices}" if choices else "") + f" (default: {_show(one)})"
    told = told.replace("%", "%%")
    if isinstance(one.default, bool):
        section.add_argument(flag, dest=one.name, action=argparse.BooleanOptionalAction, default=None, help=told)
    else:
        section.add_argument(flag, dest=one.name, metavar=_metavar(one), default=None, help=told)


def _metavar(one: Field) -> str:
    if one.name in SIZES:
        return "HxW"
    kind = type(one.default)
    if kind is tuple:
        return "A,B,..."
    return {int: "N", float: "X"}.get(kind, "TEXT")


def _show(one: Field) -> str:
    text = as_text(one.name, one.default)
    return text or ("none" if isinstance(one.default, tuple) else '""')


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml  # here, so that --help does not wait for it

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"config: {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"config: {path} is not YAML: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingError(f"config: {path} must hold settings by name, as in 'steps: 800'")
    return {str(name).replace("-", "_"): value for name, value in values.items()}


def convert(one: Field, value: Any) -> Any:
    """Brings a flag's text or a YAML value to the type of the setting's default.

    Raises:
        SettingError: The value says nothing of that type.
    """
    default: Any = one.default
    kind: Any = type(default)
    if one.name in SIZES:
        return _size(one, value)
    try:
        if kind is tuple:
            items = value.split(",") if isinstance(value, str) else list(value)
            # An empty default does not show what its items are; the annotation does.
            item_kind = type(default[0]) if default else int if str(one.type).startswith("tuple[int") else str
            return tuple(item_kind(str(item).strip()) for item in items if str(item).strip())
        if kind is bool and not isinstance(value, bool):
            raise ValueError
        if kind is int:
            return _whole(value)
        if kind is str and value is None:
            return ""
        if kind in (str, float) and isinstance(value, bool):
            raise ValueError
        return kind(value)
    except (ValueError, TypeError, OverflowError):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(kind, "a list")
        name = one.name.replace("_", "-")
        raise SettingError(f"{name}: {value!r} is not {wanted}, as in {_show(one)}") from None


def _whole(value: Any) -> int:
    """Raises ValueError for what has a fraction, which int() would drop."""
    if isinstance(value, bool) or float(value) != int(float(value)):
        raise ValueError
    return int(float(value))


def _size(one: Field, value: Any) -> tuple[int, ...]:
    if not value and one.default == ():
        return ()
    parts: Sequence[Any] = value.lower().split("x") if isinstance(value, str) else value
    try:
        height, width = (_whole(part) for part in parts)
    except (ValueError, TypeError, OverflowError):
        name = one.name.replace("_", "-")
        raise SettingError(f"{name}: {value!r} is not height x width, as in 224x320") from None
    return height, width
