import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { useLive } from "../api/live";
import { readEvents, readSome } from "./api";
import { byId, counted, ordered, patched, type EventRow, type View } from "./model";

const SETTLE_MS = 400;
/** Looking at so many changed rows one by one costs more than reading the list again. */
const MANY = 400;

interface Shown {
  rows: Map<string, EventRow>;
  order: string[];
}

const NOTHING: Shown = { rows: new Map(), order: [] };

/** The events of a view, kept up to date in place: nothing flickers, nothing that is selected goes away. */
export function useEvents(view: View) {
  const key = JSON.stringify(view);
  const loaded = useQuery({ queryKey: ["events", key], queryFn: ({ signal }) => readEvents(view, signal), gcTime: 0, staleTime: Infinity, retry: 1 });
  const [shown, setShown] = useState<Shown>(NOTHING);
  const current = useRef(view);
  current.current = view;
  useEffect(() => {
    if (loaded.data) setShown({ rows: byId(loaded.data.rows), order: loaded.data.rows.map((row) => row.id) });
  }, [loaded.data]);

  const waiting = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { refetch } = loaded;
  const look = useCallback(async () => {
    timer.current = undefined;
    const ids = [...waiting.current];
    waiting.current.clear();
    if (ids.length > MANY) {
      await refetch();
      return;
    }
    const wanted = current.current;
    try {
      const found = await readSome(wanted, ids);
      if (wanted !== current.current) return;
      setShown((before) => {
        const rows = patched(before.rows, ids, found);
        return { rows, order: ordered(rows, before.order) };
      });
    } catch {
      // The line is down or the server busy: the next change, or reconnecting, reads it again.
    }
  }, [refetch]);
  useLive("change", (change) => {
    if (change.resource !== "event") return;
    waiting.current.add(String(change.id));
    timer.current ??= setTimeout(() => void look(), SETTLE_MS);
  });
  useLive("event_counts", ({ events }) => setShown((before) => {
    const rows = counted(before.rows, events);
    return rows === before.rows ? before : { ...before, rows };
  }));
  useEffect(() => () => clearTimeout(timer.current), []);

  return useMemo(() => ({ ...shown, total: Math.max(loaded.data?.total ?? 0, shown.order.length), isPending: loaded.isPending, error: loaded.error, refresh: () => void refetch() }), [shown, loaded.data?.total, loaded.isPending, loaded.error, refetch]);
}
