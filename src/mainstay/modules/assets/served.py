"""The resources with everything that is served below their paths: each file adds its operations."""

from __future__ import annotations

from mainstay.modules.assets.cmdb import (  # noqa: F401
    faceplate,
    forms,
    intake,
    life,
    partlists,
    people,
    resources,
    topology,
    trees,
    views,
)
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.relations import actions, ends  # noqa: F401
from mainstay.modules.assets.relations.resource import relations

__all__ = ["items", "relations"]
