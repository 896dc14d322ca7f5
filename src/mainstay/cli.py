"""The command line: ``mainstay <command>``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from cyclopts import App

from mainstay import __version__
from mainstay.settings import SettingError

HELP = "Mainstay: service desk, CMDB, monitoring and more, in one process and one data folder."

app = App(name="mainstay", help=HELP, version=__version__, help_format="plaintext", result_action="return_value")
org = App(name="org", help="Organizations of this installation.")
user = App(name="user", help="Accounts.")
apikey = App(name="apikey", help="Keys for programs.")

# Named, not imported: a command loads only what it needs.
app.command("mainstay.commands.server:serve", name="serve", help="Serve the API and the console.")
app.command("mainstay.commands.server:worker", name="worker", help="Run background jobs only.")
app.command("mainstay.commands.collector:collector", name="collector", help="Receive and poll at another site.")
app.command("mainstay.commands.setup:init", name="init", help="Set up an empty installation.")
app.command("mainstay.commands.demo:demo", name="demo", help="Try it: demo data, served at once.")
app.command("mainstay.commands.saving:backup", name="backup", help="Write everything to one file, also while it runs.")
app.command("mainstay.commands.saving:restore", name="restore", help="Bring a backup back, into an empty data folder.")
app.command("mainstay.commands.info:settings", name="settings", help="List every setting.")
app.command("mainstay.commands.info:openapi", name="openapi", help="Write the OpenAPI document.")
org.command("mainstay.commands.setup:add_organization", name="add", help="Add an organization and its administrator.")
org.command("mainstay.commands.setup:list_organizations", name="list", help="List the organizations.")
user.command("mainstay.commands.accounts:add_user", name="add", help="Add an account.")
user.command("mainstay.commands.accounts:list_users", name="list", help="List the accounts.")
user.command(
    "mainstay.commands.accounts:set_password",
    name="password",
    help="Give an account a new password, and unlock it.",
)
apikey.command("mainstay.commands.accounts:add_key", name="add", help="Add an API key.")
apikey.command("mainstay.commands.accounts:list_keys", name="list", help="List the API keys.")
apikey.command("mainstay.commands.accounts:revoke_key", name="revoke", help="Revoke an API key.")
app.command(org)
app.command(user)
app.command(apikey)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. What a person can put right ends with a sentence and exit code 2, never with a trace."""
    # Loading the program makes hundreds of thousands of objects that stay: looking through them for garbage costs
    # half a second of each start.
    gc.set_threshold(100_000, 20, 50)
    try:
        code = app(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        text = sentence(error)
        if text is None:
            raise
        print(text, file=sys.stderr)
        sys.exit(2)
    sys.exit(code or 0)


def sentence(error: Exception) -> str | None:
    """What to tell about an error that a person can put right; None for a fault of the program."""
    if isinstance(error, SettingError):
        return str(error)
    # Imported where they are needed: `mainstay --help` answers at once.
    from sqlalchemy.exc import OperationalError

    from mainstay.commands.common import Refused
    from mainstay.kernel.backup import BackupError, FolderInUse
    from mainstay.kernel.errors import ApiError
    from mainstay.kernel.telemetry import TelemetryError

    if isinstance(error, Refused | BackupError | FolderInUse | TelemetryError | ApiError):
        return str(error)
    if isinstance(error, OperationalError) and "locked" in str(error.orig):
        return "Another process is writing to the database for a long time. Try again in a moment."
    if isinstance(error, OSError) and error.errno == 28:
        return "There is no space left on the disk. Free some, then try again."
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read or written by this user. Give it the right to."
    return None


if __name__ == "__main__":
    main()
