"""Schemathesis over the served OpenAPI document: no 5xx, and no answer that disagrees with its schema."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.kernel.processes import Installation, once

CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"
ENDS_THE_SESSION = "logout|/api/session|revoke|/api/logs/tail"
"""What ends the session, and what does not end."""

SHARED = (
    r"^(?!/ux/sd/inci/incident/|/ux/sd/cmdb/).*/(history|comments|attachments|attachments/{attachment}|multidelete|options"
    r"|export|csv_columns|validate_csv|download_csv|upload_csv)/$"
)
"""The verbs that are the same code for each resource: one resource stands for the others, whose types the conformance
suite looks at."""


@once
def test_generated_requests_are_answered_as_documented(tmp_path: Path) -> None:
    with Installation(tmp_path / "data") as home:
        home.set_up()
        home.serve()
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{home.url}/schema/openapi.json",
            "--header", f"Authorization: ApiKey {home.key}", "--checks", CHECKS, "--phases", "fuzzing",
            "--max-examples", "3", "--seed", "1", "--workers", "2",
            "--exclude-path-regex", f"{ENDS_THE_SESSION}|{SHARED}",
            "--no-color", "--request-timeout", "30", "--wait-for-schema", "60",
        ]  # fmt: skip
        # Where Hypothesis keeps what it worked out about characters, as the other tests do: that takes it seconds.
        kept = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(Path(".hypothesis").absolute())}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path, env=kept)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
