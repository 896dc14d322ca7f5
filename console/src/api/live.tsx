import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { User } from "./types";

export interface LiveChange {
  resource: string;
  id: string;
  action: string;
  version?: number;
  actor?: string | number | null;
  actor_name?: string | null;
}

/** Whether a change is the caller's own: the actor is told by number, profile or name. */
export function isOwn(change: LiveChange, user: User): boolean {
  return [String(user.user), user.profile_id, user.username].includes(String(change.actor));
}

export interface LiveTask {
  id: string;
  status: string;
  done: number;
  total: number;
  failed?: number;
}

/** Events of the monitoring that were seen again: their counts, a few times a second. */
export interface LiveCounts {
  events: { id: string; count: number; last_seen: string; severity: number }[];
  more?: boolean;
}

/** A message for this person, with a sound. */
export interface LiveBeep {
  id: string;
  title: string;
  text: string;
  url: string;
  about: string;
  ref_id: string;
}

interface LiveEvents {
  beep: LiveBeep;
  event_counts: LiveCounts;
  change: LiveChange;
  task: LiveTask;
  announcement: unknown;
}

type Kind = keyof LiveEvents;
type Handler = (data: never) => void;

interface LiveHub {
  connected: boolean;
  on: <K extends Kind>(kind: K, handler: (data: LiveEvents[K]) => void) => () => void;
}

const Context = createContext<LiveHub>({ connected: false, on: () => () => undefined });

/** Lists wait a moment so that a burst of changes (an import) costs one request and not hundreds. */
const SETTLE_MS = 400;

function invalidator(client: QueryClient) {
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (change: LiveChange) => {
    void client.invalidateQueries({ queryKey: [change.resource, "getOne", { id: String(change.id) }] });
    waiting.add(change.resource);
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const resource of waiting) {
        void client.invalidateQueries({ queryKey: [resource, "getList"] });
        void client.invalidateQueries({ queryKey: ["live", resource] });
      }
      waiting.clear();
    }, SETTLE_MS);
  };
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const handlers = useRef(new Map<Kind, Set<Handler>>());
  const [connected, setConnected] = useState(false);

  useEffect(() => {
    const invalidate = invalidator(client);
    const emit = (kind: Kind, text: string) => {
      const data = JSON.parse(text) as never;
      if (kind === "change") invalidate(data);
      handlers.current.get(kind)?.forEach((handler) => handler(data));
    };
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let missed = false;
    const open = () => {
      source = new EventSource("/api/live");
      source.onopen = () => {
        setConnected(true);
        // What changed while the line was down is not known: read again what is on screen.
        if (missed) void client.invalidateQueries();
        missed = false;
      };
      source.onerror = () => {
        setConnected(false);
        missed = true;
        // The browser reconnects by itself unless the answer was no event stream at all.
        if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, 10_000);
      };
      // The server tells a page that fell behind to read everything again.
      source.addEventListener("reload", () => void client.invalidateQueries());
      for (const kind of ["change", "task", "announcement", "event_counts", "beep"] as const) {
        source.addEventListener(kind, (event) => emit(kind, (event as MessageEvent<string>).data));
      }
    };
    open();
    return () => {
      clearTimeout(retry);
      source?.close();
    };
  }, [client]);

  const hub = useMemo<LiveHub>(
    () => ({
      connected,
      on: (kind, handler) => {
        const set = handlers.current.get(kind) ?? new Set<Handler>();
        handlers.current.set(kind, set);
        set.add(handler as Handler);
        return () => set.delete(handler as Handler);
      },
    }),
    [connected],
  );
  return <Context.Provider value={hub}>{children}</Context.Provider>;
}

export function useLiveConnected(): boolean {
  return useContext(Context).connected;
}

export function useLive<K extends Kind>(kind: K, handler: (data: LiveEvents[K]) => void): void {
  const { on } = useContext(Context);
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => on(kind, (data) => latest.current(data)), [on, kind]);
}
