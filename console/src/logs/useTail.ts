import { useEffect, useRef, useState } from "react";
import { tailUrl, type Line } from "./api";

export interface Tail {
  lines: Line[];
  skipped: boolean;
  failed: string;
}

const MOST = 2000;
const NOTHING: Tail = { lines: [], skipped: false, failed: "" };

/** Lines as they come in while `on`; the server ends the stream now and then, and the browser goes on where it was. */
export function useTail(on: boolean, query: string, onOpen: () => void): Tail {
  const opened = useRef(onOpen);
  opened.current = onOpen;
  const [tail, setTail] = useState<Tail>(NOTHING);
  const waiting = useRef<Line[]>([]);
  useEffect(() => {
    setTail(NOTHING);
    waiting.current = [];
    if (!on) return;
    const source = new EventSource(tailUrl(query));
    // The stream begins now: what came in since the stored lines were read is read with them again.
    source.addEventListener("open", () => opened.current());
    source.addEventListener("lines", (event) => {
      const { results } = JSON.parse((event as MessageEvent<string>).data) as { results: Line[] };
      waiting.current.push(...results);
    });
    source.addEventListener("skipped", () => setTail((before) => ({ ...before, skipped: true })));
    source.addEventListener("failed", (event) => {
      const { error } = JSON.parse((event as MessageEvent<string>).data) as { error?: string };
      setTail((before) => ({ ...before, failed: error ?? "" }));
      source.close();
    });
    // A storm of lines draws the page four times a second, not for each of them.
    const timer = setInterval(() => {
      const fresh = waiting.current.splice(0);
      if (fresh.length === 0) return;
      setTail((before) => {
        const known = new Set(before.lines.slice(0, 1000).map((line) => line.id));
        const added = fresh.filter((line) => !known.has(line.id)).reverse();
        return { ...before, lines: [...added, ...before.lines].slice(0, MOST) };
      });
    }, 250);
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [on, query]);
  return tail;
}
