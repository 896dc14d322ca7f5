"""The program at another site: receives and polls there, keeps it on disk, and hands it over in order, once.

``listening`` and ``polling`` put records into the ``spool``; ``sender`` hands its segments over through the ``link``,
the one outbound connection; ``running`` holds them together. Nothing of the server's database or telemetry is here.
"""
