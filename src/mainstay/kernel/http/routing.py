"""The ASGI application: Litestar, with the routes of all operations added at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures.multi_dicts import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Empty, HTTPScope, Receive, Send
from litestar.utils.scope.state import ScopeState

OPERATION = "mainstay_operation"
"""Option of handlers that take the request and nothing else, and answer with a response that is complete."""
_SHARED = ("_parsed_fn_signature", "_parsed_return_field", "_signature_model")


class Route(HTTPRoute):
    """A path whose operations are called without Litestar's looking for what they could ask for."""

    async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        handler, _model = self.route_handler_map[scope["method"]]
        if OPERATION not in handler.opt:
            await super().handle(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope=scope, receive=receive, send=send)
        try:
            response = await handler.fn(request)
            await response.to_asgi_response(app=None, request=request)(scope, receive, send)
        finally:
            form = ScopeState.from_scope(scope).form
            if form is not Empty:
                # Uploaded files are temporary ones.
                await FormMultiDict.from_form_data(form).close()


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
        read: dict[Any, HTTPRouteHandler] = {}
        for path, found in together.items():
            for handler in found:
                handler.owner = self
            route = Route(path=path, route_handlers=found)
            for handler in route.route_handlers:
                # They come from the same few functions; reading the signature of each would take half of the time.
                like = read.setdefault(handler.fn.__code__, handler)
                for name in _SHARED:
                    setattr(handler, name, getattr(like, name))
                handler.on_registration(self)
            route.create_handler_map()
            self.routes.append(route)
        self.asgi_router.construct_routing_trie()
