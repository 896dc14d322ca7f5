"""The ASGI application: Litestar, with the routes of all operations added at once."""

from __future__ import annotations

from collections.abc import Iterable

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute


class Application(Litestar):
    """Litestar looks at every route it has for each one that it gets, which takes seconds for a thousand of them.

    ``add`` takes them together: the same routes, and one look at the end.
    """

    def add(self, handlers: Iterable[HTTPRouteHandler]) -> None:
        """Serve these, each made for one path; nothing else may be served on the same paths."""
        together: dict[str, list[HTTPRouteHandler]] = {}
        for handler in handlers:
            [path] = handler.paths
            together.setdefault(path, []).append(handler)
        for path, found in together.items():
            for handler in found:
                handler.owner = self
            route = HTTPRoute(path=path, route_handlers=found)
            for handler in route.route_handlers:
                handler.on_registration(self)
            route.create_handler_map()
            self.routes.append(route)
        self.asgi_router.construct_routing_trie()
