"""pyarrow, without pandas.

pyarrow looks for pandas the first time it builds an array, and chdb brings pandas along; loading it takes a
second in the middle of the first requests and 40 MB for good, for conversions that nothing here uses.
"""

from __future__ import annotations

import sys

import pyarrow as pa


class _NoPandas:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=name)


def _settle_without_pandas() -> None:
    """Let pyarrow look once while pandas cannot be found; it remembers the answer."""
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)


_settle_without_pandas()

__all__ = ["pa"]
