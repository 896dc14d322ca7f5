"""The Log Pipeline Configuration module of the API, with all of its operations."""

from mainstay.modules.logs.pipeline import editor, overview, versions  # noqa: F401 - declare their operations
from mainstay.modules.logs.pipeline.resource import lookup_tables, pipelines

__all__ = ["lookup_tables", "pipelines"]
