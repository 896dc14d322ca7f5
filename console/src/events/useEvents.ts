import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { useLive } from "../api/live";
import { readEvents, readSome } from "./api";
import { askedOf, byId, counted, ordered, patched, type EventRow, type View } from "./model";

const SETTLE_MS = 400;
/** Looking at so many changed rows costs more than reading the list again. */
const MANY = 2000;

interface Shown {
  rows: Map<string, EventRow>;
  order: string[];
  total: number;
}

const NOTHING: Shown = { rows: new Map(), order: [], total: 0 };

/** The events of a view, kept up to date in place: nothing flickers, nothing that is selected goes away. */
export function useEvents(view: View) {
  const key = askedOf(view);
  const loaded = useQuery({ queryKey: ["events", key], queryFn: ({ signal }) => readEvents(view, signal), gcTime: 0, staleTime: Infinity, retry: 1 });
  const [shown, setShown] = useState<Shown>(NOTHING);
  const current = useRef({ view, key });
  current.current = { view, key };
  useEffect(() => {
    if (loaded.data) setShown({ rows: byId(loaded.data.rows), order: loaded.data.rows.map((row) => row.id), total: loaded.data.total });
  }, [loaded.data]);

  const waiting = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // One look at a time: in a storm the next begins when this one has been shown, instead of taking its place for ever.
  const looking = useRef(false);
  const gone = useRef(false);
  const look = useCallback(async () => {
    const ids = [...waiting.current];
    waiting.current.clear();
    timer.current = undefined;
    looking.current = true;
    const wanted = current.current;
    try {
      if (ids.length > MANY) {
        const found = await readEvents(wanted.view);
        if (wanted.key === current.current.key) setShown((before) => { const rows = byId(found.rows); return { rows, order: ordered(rows, before.order, wanted.view.sort), total: found.total }; });
      } else {
        const found = await readSome(wanted.view, ids);
        if (wanted.key === current.current.key) setShown((before) => { const rows = patched(before.rows, ids, found); return { rows, order: ordered(rows, before.order, wanted.view.sort), total: before.total + rows.size - before.rows.size }; });
      }
    } catch {
      // The line is down or the server busy: the next change, or reconnecting, reads it again.
    } finally {
      looking.current = false;
      if (waiting.current.size > 0 && !gone.current) timer.current = setTimeout(() => void look(), SETTLE_MS);
    }
  }, []);
  useLive("change", (change) => {
    if (change.resource !== "event") return;
    waiting.current.add(String(change.id));
    if (!looking.current) timer.current ??= setTimeout(() => void look(), SETTLE_MS);
  });
  useLive("event_counts", ({ events }) => setShown((before) => {
    const rows = counted(before.rows, events);
    return rows === before.rows ? before : { ...before, rows };
  }));
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
      clearTimeout(timer.current);
    };
  }, []);

  const { isPending, error, refetch } = loaded;
  return useMemo(() => ({ ...shown, total: Math.max(shown.total, shown.order.length), isPending, error, refresh: () => void refetch() }), [shown, isPending, error, refetch]);
}
