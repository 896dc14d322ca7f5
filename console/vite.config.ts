import { cpSync, createReadStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const outDir = resolve(import.meta.dirname, "../src/mainstay/console_dist");
const server = process.env.MAINSTAY_URL ?? "http://127.0.0.1:8000";

const SWAGGER_FILES = [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-standalone-preset.js",
  "favicon-16x16.png",
  "favicon-32x32.png",
  "LICENSE",
  "NOTICE",
];

/** Puts Swagger UI beside the console, so that the server needs no third-party host for it. */
function swaggerAssets(): Plugin {
  const dist = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const own = resolve(import.meta.dirname, "swagger");
  return {
    name: "swagger-assets",
    apply: "build",
    closeBundle() {
      const target = join(outDir, "swagger");
      mkdirSync(target, { recursive: true });
      cpSync(own, target, { recursive: true });
      for (const file of SWAGGER_FILES) {
        if (existsSync(join(dist, file))) cpSync(join(dist, file), join(target, file));
      }
    },
  };
}

/** Serves the built page in `vite preview` under the policy the server sends, so that a breach shows early. */
function previewPolicy(): Plugin {
  const policy =
    "default-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";
  return {
    name: "preview-policy",
    configurePreviewServer(preview) {
      preview.middlewares.use((request, response, next) => {
        response.setHeader("Content-Security-Policy", policy);
        if (request.url?.startsWith("/schema/swagger")) {
          response.setHeader("Content-Type", "text/html");
          createReadStream(join(outDir, "swagger/index.html")).pipe(response);
          return;
        }
        next();
      });
    },
  };
}

/** The libraries that every page needs, kept apart from our own code so that a release leaves them cached. */
const GROUPS = [
  { name: "react", priority: 3, test: /node_modules[\\/](react|react-dom|react-router|react-router-dom|scheduler|use-sync-external-store)[\\/]/ },
  { name: "mui", priority: 2, test: /node_modules[\\/](@mui|@emotion)/ },
  { name: "admin", priority: 2, test: /node_modules[\\/](react-admin|ra-|@tanstack|react-hook-form|lodash)/ },
  { name: "editor", priority: 1, test: /node_modules[\\/](@tiptap|prosemirror|linkifyjs)/ },
];

const proxied = ["/api", "/ux", "/schema/openapi", "/healthz"];

export default defineConfig({
  plugins: [react(), swaggerAssets(), previewPolicy()],
  define: {
    __CONSOLE_VERSION__: JSON.stringify(
      (JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string }).version,
    ),
  },
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 700,
    assetsInlineLimit: (file) => (extname(file) === ".svg" ? false : undefined),
    rolldownOptions: { output: { codeSplitting: { groups: GROUPS } } },
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, { target: server }])) },
  preview: { proxy: Object.fromEntries(proxied.map((path) => [path, { target: server }])) },
});
