/** One way to talk to the server: JSON in, JSON out, the CSRF token on every write, one error type. */

export type FieldErrors = Record<string, string[]>;

export class ApiError extends Error {
  readonly status: number;
  readonly fields: FieldErrors;
  readonly code: string | undefined;
  readonly reference: string | undefined;
  readonly retryAfter: number | undefined;
  /** The whole answer: a 412 carries the record as it is now. */
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>, retryAfter?: number) {
    super(typeof body.error === "string" && body.error ? body.error : defaultMessage(status));
    this.name = "ApiError";
    this.status = status;
    this.body = body;
    this.fields = readFieldErrors(body.fields);
    this.code = typeof body.code === "string" ? body.code : undefined;
    this.reference = typeof body.reference === "string" ? body.reference : undefined;
    this.retryAfter = retryAfter;
  }
}

function defaultMessage(status: number): string {
  if (status === 0) return "The server cannot be reached. Check the connection and try again.";
  if (status === 403) return "You do not have permission to do this.";
  if (status === 404) return "This record does not exist or was deleted.";
  if (status === 413) return "This is larger than the server accepts.";
  return `The server answered with status ${status}. Please try again.`;
}

export function readFieldErrors(value: unknown): FieldErrors {
  if (typeof value !== "object" || value === null) return {};
  const errors: FieldErrors = {};
  for (const [name, messages] of Object.entries(value)) {
    if (Array.isArray(messages)) errors[name] = messages.map(String);
    else if (typeof messages === "string") errors[name] = [messages];
  }
  return errors;
}

export function readCookie(name: string, cookies: string): string | undefined {
  for (const entry of cookies.split(/;\s*/)) {
    const at = entry.indexOf("=");
    if (at > 0 && entry.slice(0, at) === name) return decodeURIComponent(entry.slice(at + 1));
  }
  return undefined;
}

const csrfToken = () => readCookie("mainstay_csrf", document.cookie);

/** Whether this browser has signed in: the token comes and goes with the session, whose own cookie cannot be read here. */
export const hasSession = () => csrfToken() !== undefined;

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  data: T;
  status: number;
  etag: string | null;
}

/**
 * Nobody is signed in: 401 for a session that ended, and for a request without any credentials the documented 403
 * that asks for an API key (the server cannot know that a browser sent it).
 */
export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 401 || (error.status === 403 && error.message === "API key is missing."));
}

type Listener = (error: ApiError) => void;
const listeners = new Set<Listener>();

/** Called for answers that concern the whole console: a lost session and a required password change. */
export function onSessionError(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export async function send<T>(url: string, options: RequestOptions = {}): Promise<Answer<T>> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  let body: BodyInit | undefined;
  if (options.body instanceof FormData) body = options.body;
  else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers["Content-Type"] = "application/json";
  }
  if (method !== "GET") {
    const token = csrfToken();
    if (token) headers["X-CSRF-Token"] = token;
  }
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body, signal: options.signal, credentials: "same-origin" });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, {});
  }
  const text = response.status === 204 ? "" : await response.text();
  const parsed = parseJson(text);
  if (!response.ok) {
    const retry = Number(response.headers.get("Retry-After"));
    const error = new ApiError(response.status, asObject(parsed), Number.isFinite(retry) && retry > 0 ? retry : undefined);
    if (isSignedOut(error) || error.code === "password_change_required") listeners.forEach((listener) => listener(error));
    throw error;
  }
  return { data: parsed as T, status: response.status, etag: response.headers.get("ETag") };
}

export async function api<T>(url: string, options: RequestOptions = {}): Promise<T> {
  return (await send<T>(url, options)).data;
}

function parseJson(text: string): unknown {
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A sentence for people, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) {
    return error.reference ? `${error.message} (reference ${error.reference})` : error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

export function query(params: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
