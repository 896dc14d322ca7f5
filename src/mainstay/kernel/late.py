"""Libraries that take long to load and that many an installation never uses: loaded when something of them is used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any


class Late(ModuleType):
    """Stands for a module; the first use of a name imports it."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        # Found without us from now on.
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    import asyncssh as asyncssh
    import openpyxl as openpyxl
else:
    asyncssh = Late("asyncssh")
    openpyxl = Late("openpyxl")
