"""Compiled functions: loops over pixels at the speed of C, kept on disk between processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_TO_C = numba.njit(nogil=True, error_model="numpy")
_TO_C_KEPT = numba.njit(nogil=True, error_model="numpy", cache=True)


def compiled(function: Function) -> Function:
    """Compiles a function at its first call for each kind of arguments; other threads go on while it runs.

    The machine code is kept beside the source, or in the user's cache folder where the source cannot be written to, so
    that only the first process compiles. Where neither can be, each process does. What a compiled function calls
    must be in the same file, and so must figures that somebody may tune: Numba compiles anew when that file has
    changed, and looks at no other.
    """
    try:
        return cast(Function, _TO_C_KEPT(function))
    except RuntimeError:  # There is no folder to write to.
        return cast(Function, _TO_C(function))
