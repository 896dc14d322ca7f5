"""Secrets beside a record's fields: taken from the input, sealed by the vault, and told by their names only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.record import Record
from mainstay.kernel.resource import Behaviour

R = TypeVar("R", bound=Record)


class Sealing(Behaviour[R], Generic[R]):
    """Behaviour of a resource with ``secrets``, whose records keep them in ``sealed``."""

    def __init__(self, model: type[R], secrets: Sequence[Field], purpose: Callable[[str, str], str]) -> None:
        """``purpose``: of a record's id and a secret's name, what the vault binds the secret to."""
        self._model: Any = model
        self.secrets = tuple(secrets)
        self._purpose = purpose

    def given(self, source: Mapping[str, Any]) -> dict[str, str]:
        """The secrets in the input. Left out or masked: as it was. Raises ``Invalid``."""
        found = {}
        for spec in self.secrets:
            value = source.get(spec.name)
            if value is None or (isinstance(value, str) and value and not value.strip("*")):
                continue
            if not isinstance(value, str) or len(value) > (spec.max_length or 255):
                raise Invalid.field(spec.name, f"{spec.label} must be text of at most {spec.max_length} characters.")
            found[spec.name] = value
        return found

    def seal(
        self, ctx: Context, record_id: str, before: Mapping[str, str], secrets: Mapping[str, str]
    ) -> dict[str, str]:
        """The sealed secrets with these in place of what was; an empty one is forgotten."""
        made = dict(before)
        for name, value in secrets.items():
            made.pop(name, None)
            if value:
                made[name] = ctx.platform.vault.seal(value, self._purpose(record_id, name))
        return made

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        """Tell in ``secrets_set`` which secrets each record has."""
        if rows:
            query = select(self._model.id, self._model.sealed).where(self._model.id.in_([row["id"] for row in rows]))
            kept = {row.id: sorted(row.sealed) for row in (await ctx.session.execute(query)).all()}
            for row in rows:
                row["secrets_set"] = kept.get(row["id"], [])
