"""What this installation serves: its resources and operations, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mainstay.kernel.operation import PRIVILEGES, Group, Operation

if TYPE_CHECKING:
    from mainstay.kernel.resource import Resource
    from mainstay.kernel.services import Service
    from mainstay.settings import Settings


class Registry:
    """Resources and operations. Made once, by ``mainstay.app``."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource[Any]] = {}
        self.operations: list[Operation] = []
        self.permissions: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {}
        """Section → module → (label, privileges): the axes of the roles matrix."""
        self.services: list[type[Service]] = []
        """What runs in every process that works, in the order of starting."""
        self.preparations: list[Callable[[Settings], object]] = []
        """What takes a while before they start and needs no store: done in a thread while the stores open."""
        self._paths: set[str] = set()

    def service(self, *kinds: type[Service]) -> None:
        """Declare what runs beside the requests."""
        self.services.extend(kinds)

    def prepare(self, *calls: Callable[[Settings], object]) -> None:
        """Declare work of the processor that the services would otherwise wait for, or their first batches."""
        self.preparations.extend(calls)

    def add(self, *parts: Resource[Any] | Group) -> None:
        for part in parts:
            if isinstance(part, Group):
                self._serve(part.operations)
                continue
            if part.name in self.resources:
                raise ValueError(f"Two resources are named {part.name}.")
            self.resources[part.name] = part
            self.permission(part.section, part.permission, part.permission_label, part.privileges)
            self._serve(part.operations())

    def permission(self, section: str, module: str, label: str, privileges: Iterable[str]) -> None:
        """Declare a module of the roles matrix; declaring it again adds privileges."""
        modules = self.permissions.setdefault(section, {})
        known = modules.get(module, (label, ()))[1]
        merged = tuple(name for name in PRIVILEGES if name in known or name in privileges)
        modules[module] = (label, merged)

    def _serve(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            if operation.key in self._paths:
                raise ValueError(f"{operation.key} is served twice.")
            self._paths.add(operation.key)
            self.operations.append(operation)

    def check(self) -> None:
        """Raises ``ValueError`` for an operation whose permission no role could ever hold."""
        known = {
            module: privileges for modules in self.permissions.values() for module, (_, privileges) in modules.items()
        }
        for operation in self.operations:
            if operation.permission and operation.permission[1] not in known.get(operation.permission[0], ()):
                raise ValueError(f"{operation.key} needs {'.'.join(operation.permission)}, which no role can hold.")

    def grantable(self) -> dict[str, dict[str, dict[str, bool]]]:
        """Every privilege that a role can hold, all off."""
        return {
            section: {module: dict.fromkeys(privileges, False) for module, (_label, privileges) in modules.items()}
            for section, modules in self.permissions.items()
        }
