"""What this version is: its settings, and the description of its API."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from mainstay import __version__
from mainstay.commands.common import Refused, out, table
from mainstay.settings import Settings, describe

SECRET = ("KEY", "PASSWORD", "URL")


def settings() -> None:
    """List every setting: the environment variable, its value here, its default and its meaning."""
    Settings.load()
    rows = []
    for name, default, meaning in describe():
        given = os.environ.get(name)
        # Passwords and addresses that may hold one are not for a screen.
        shown = "" if given is None else "(set)" if name.endswith(SECRET) else given
        rows.append((name, shown, default if len(default) < 40 else default[:36] + " ...", meaning))
    table(("Setting", "Value here", "Default", "Meaning"), rows)


def openapi(file: Path | None = None, /) -> None:
    """Write the OpenAPI document, to the screen or to a file: YAML, or JSON where its name ends in .json.

    Parameters
    ----------
    file
        Where to write it.
    """
    from mainstay.app import build_registry
    from mainstay.kernel import openapi as document

    written = document.build(build_registry().operations, version=__version__, server="/")
    as_json = file is not None and file.suffix == ".json"
    made = msgspec.json.encode(written) if as_json else msgspec.yaml.encode(written)
    if file is None:
        sys.stdout.buffer.write(made)
        return
    try:
        file.write_bytes(made)
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}.") from error
    out.print(f"Written to {file}.")
