"use strict";

/* A console session authenticates the calls tried here too; such calls need its CSRF token. */
function addCsrfToken(request) {
  const cookie = document.cookie.split("; ").find((entry) => entry.startsWith("mainstay_csrf="));
  if (cookie && request.method && request.method.toUpperCase() !== "GET") {
    request.headers["X-CSRF-Token"] = decodeURIComponent(cookie.slice("mainstay_csrf=".length));
  }
  return request;
}

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/schema/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    requestInterceptor: addCsrfToken,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    layout: "BaseLayout",
  });
});
