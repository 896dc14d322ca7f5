import { useEffect, useState } from "react";
import { useSearchParams } from "react-router-dom";

export function useDebounced<T>(value: T, delay: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return settled;
}

export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Mainstay` : "Mainstay";
  }, [title]);
}

/** What the page's address says, and how to change some of it; what is empty is left out. With `replace`, *back* leads past the change. */
export function useAddress(replace: boolean): [URLSearchParams, (change: Record<string, string | null>) => void] {
  const [params, setParams] = useSearchParams();
  const put = (change: Record<string, string | null>) => setParams((before) => {
    const next = new URLSearchParams(before);
    for (const [name, value] of Object.entries(change)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  }, { replace });
  return [params, put];
}
