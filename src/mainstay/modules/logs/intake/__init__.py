"""Log intake: syslog over UDP, TCP and TLS, JSON lines and OTLP over HTTP, stored as rows of ``log_lines``.

``receive → parse (syslog, jsonlines, otlp) → stages.apply (pipelines) → store → LINES``. Nothing is dropped in parsing:
a line that is not understood is kept as it is, tagged ``_unparsed`` and counted.
"""
