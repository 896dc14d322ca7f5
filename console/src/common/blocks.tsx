import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useCallback, useState, type ReactNode } from "react";
import { useNotify } from "react-admin";
import { messageOf } from "../api/http";

/** A page of its own: heading, what can be done, content. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 2 }}>
        <Typography variant="h1" sx={{ mr: "auto", overflowWrap: "anywhere" }}>{title}</Typography>
        {actions}
      </Box>
      {children}
    </Box>
  );
}

export function Section({ title, actions, children, testId }: { title: string; actions?: ReactNode; children: ReactNode; testId?: string }) {
  return (
    <Paper component="section" variant="outlined" aria-label={title} data-testid={testId} sx={{ p: 1.5, minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 1 }}>
        <Typography variant="h2" sx={{ mr: "auto" }}>{title}</Typography>
        {actions}
      </Box>
      {children}
    </Paper>
  );
}

export type Fact = [string, ReactNode];

/** Names and values; what is empty is left out. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "minmax(90px, auto) minmax(0, 1fr)", columnGap: 2, rowGap: 0.5 }}>
      {facts.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false).map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Box component="dt" sx={{ color: "text.secondary" }}>{name}</Box>
          <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere" }}>{value}</Box>
        </Box>
      ))}
    </Box>
  );
}

const tableStyle = {
  borderCollapse: "collapse", width: "100%", fontSize: 13,
  "& th": { textAlign: "left", fontWeight: 600, fontSize: 12, color: "text.secondary", py: 0.5, pr: 2, borderBottom: 1, borderColor: "divider", whiteSpace: "nowrap" },
  "& td": { py: 0.5, pr: 2, borderBottom: 1, borderColor: "divider", verticalAlign: "top", overflowWrap: "break-word" },
  "& .number": { textAlign: "right", fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
} as const;

/** A small table that needs no sorting and no paging; columns whose head starts with # hold numbers. */
export function PlainTable({ label, head, rows, testId }: { label: string; head: string[]; rows: { key: string; cells: ReactNode[]; selected?: boolean; onClick?: () => void }[]; testId?: string }) {
  const isNumber = head.map((name) => name.startsWith("#"));
  return (
    <Box sx={{ overflowX: "auto" }}>
      <Box component="table" aria-label={label} data-testid={testId} sx={tableStyle}>
        <thead><tr>{head.map((name, index) => <th key={index} scope="col" className={isNumber[index] ? "number" : undefined}>{name.replace(/^#/, "")}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <Box component="tr" key={row.key} aria-selected={row.selected} onClick={row.onClick} sx={{ ...(row.onClick ? { cursor: "pointer", "&:hover": { bgcolor: "raised" } } : {}), ...(row.selected ? { bgcolor: "action.selected" } : {}) }}>
              {row.cells.map((cell, index) => <td key={index} className={isNumber[index] ? "number" : undefined}>{cell}</td>)}
            </Box>
          ))}
        </tbody>
      </Box>
    </Box>
  );
}

export const preStyle = { m: 0, p: 1, bgcolor: "raised", borderRadius: 1, fontSize: 12, whiteSpace: "pre-wrap", overflowWrap: "anywhere", fontFamily: "monospace" } as const;

/** Runs something that may fail: `busy` meanwhile, the reason as a notice. */
export function useTask(): { busy: boolean; run: <T>(work: () => Promise<T>) => Promise<T | undefined> } {
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const run = useCallback(async <T,>(work: () => Promise<T>): Promise<T | undefined> => {
    setBusy(true);
    try {
      return await work();
    } catch (error) {
      notify(messageOf(error), { type: "error", autoHideDuration: 8000 });
      return undefined;
    } finally {
      setBusy(false);
    }
  }, [notify]);
  return { busy, run };
}
