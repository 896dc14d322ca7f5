import ChevronLeft from "@mui/icons-material/ChevronLeft";
import ChevronRight from "@mui/icons-material/ChevronRight";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useResourceContext } from "react-admin";
import { Link, useSearchParams } from "react-router-dom";
import type { ReactNode } from "react";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import type { ListEnvelope } from "../api/types";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { PlainTable } from "../common/blocks";
import { count, inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ResourceList } from "./ResourceList";
import { SearchBox } from "./SearchBox";

const SIZE = 100;

/** Rules that come with the program, beside an organization's own. */
export interface Shipped<Rule> {
  resource: string;
  read: (search: string, page: number, size: number, signal?: AbortSignal) => Promise<ListEnvelope<Rule>>;
  head: string[];
  row: (rule: Rule, may: { create: boolean }) => ReactNode[];
  hint: string;
  search: string;
  noMatchHint: string;
  /** What the empty list of own rules says, with the number of shipped ones once it is known. */
  emptyTitle: string;
  emptyHint: (count: string | undefined) => string;
}

function useShipped<Rule>(view: Shipped<Rule>, search: string, page: number) {
  return useQuery({ queryKey: ["shipped", view.resource, search, page], queryFn: ({ signal }) => view.read(search, page, SIZE, signal), placeholderData: keepPreviousData, staleTime: Infinity });
}

/** What a machine reads: never wrapped, or wherever it must be. */
export const Code = ({ text, wrap = false }: { text: string; wrap?: boolean }) =>
  <Box component="code" sx={{ fontSize: 12, ...(wrap ? { overflowWrap: "anywhere" } : { whiteSpace: "nowrap" }) }}>{text}</Box>;

function Views<Rule>({ view, shown }: { view: Shipped<Rule>; shown: "own" | "shipped" }) {
  const { data } = useShipped(view, "", 1);
  return (
    <Tabs value={shown} sx={{ px: { xs: 1, sm: 2 }, borderBottom: 1, borderColor: "divider", flexShrink: 0 }}>
      <Tab value="own" label={t("resources.ownRules")} component={Link} to={`/${view.resource}`} />
      <Tab value="shipped" label={`${t("resources.shippedRules")}${data ? ` (${count(data.count)})` : ""}`} component={Link} to={`/${view.resource}?view=shipped`} />
    </Tabs>
  );
}

function Empty<Rule>({ view }: { view: Shipped<Rule> }) {
  const meta = useResourceMeta(view.resource);
  const { data } = useShipped(view, "", 1);
  const may = abilities(meta);
  return (
    <Box sx={{ maxWidth: 760, mx: "auto" }}>
      <Message testId="empty" title={view.emptyTitle} hint={view.emptyHint(data && count(data.count))}
        action={
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, justifyContent: "center" }}>
            {may.create && <Button variant="contained" component={Link} to={`/${view.resource}/create`}>{t("resources.create", { name: inSentence(meta.label) })}</Button>}
            <Button variant="outlined" component={Link} to={`/${view.resource}?view=shipped`}>{t("resources.showShipped")}</Button>
            {may.import && <Button variant="outlined" component={Link} to={`/${view.resource}/import`}>{t("resources.import")}</Button>}
          </Box>
        } />
    </Box>
  );
}

function ShippedList<Rule>({ view }: { view: Shipped<Rule> }) {
  const meta = useResourceMeta(view.resource);
  const [params, setParams] = useSearchParams();
  const search = params.get("q") ?? "";
  const page = Math.max(1, Number(params.get("page")) || 1);
  const { data, error, refetch } = useShipped(view, search, page);
  const may = abilities(meta);
  const go = (q: string, at: number) => setParams({ view: "shipped", ...(q ? { q } : {}), ...(at > 1 ? { page: String(at) } : {}) }, { replace: true });
  const from = data && data.count > 0 ? (page - 1) * SIZE + 1 : 0;
  return (
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: { xs: 1, sm: 2 }, py: 1 }}>
        <Typography variant="h1" sx={{ mr: 1 }}>{meta.plural}</Typography>
        <SearchBox label={view.search} value={search} onChange={(q) => go(q, 1)} />
        <Box sx={{ flex: 1 }} />
        {may.create && <Button variant="outlined" component={Link} to={`/${view.resource}/create`}>{t("resources.create", { name: inSentence(meta.label) })}</Button>}
      </Box>
      <Views view={view} shown="shipped" />
      <Typography variant="body2" color="text.secondary" sx={{ px: { xs: 1, sm: 2 }, py: 1 }}>{view.hint}</Typography>
      {error ? <Failure error={error} onRetry={() => void refetch()} />
        : !data ? <Waiting />
        : data.count === 0 ? <Message testId="no-match" title={t("resources.noShipped")} hint={view.noMatchHint} action={<Button variant="outlined" onClick={() => go("", 1)}>{t("resources.clearFilters")}</Button>} />
        : (
          <>
            <Box sx={{ flex: 1, minHeight: 0, overflow: "auto", px: { xs: 1, sm: 2 } }}>
              <PlainTable label={t("resources.shippedRules")} testId="shipped" head={view.head} rows={data.results.map((rule, index) => ({ key: String(index), cells: view.row(rule, may) }))} />
            </Box>
            <Box sx={{ display: "flex", alignItems: "center", justifyContent: "flex-end", gap: 1, px: 2, py: 0.5, borderTop: 1, borderColor: "divider" }}>
              <Box data-testid="range" sx={{ fontVariantNumeric: "tabular-nums" }}>{t("resources.range", { from: count(from), to: count(Math.min(page * SIZE, data.count)), total: count(data.count) })}</Box>
              <IconButton aria-label={t("resources.previousPage")} disabled={page <= 1} onClick={() => go(search, page - 1)}><ChevronLeft /></IconButton>
              <IconButton aria-label={t("resources.nextPage")} disabled={page * SIZE >= data.count} onClick={() => go(search, page + 1)}><ChevronRight /></IconButton>
            </Box>
          </>
        )}
    </Box>
  );
}

/** An organization's own rules, and beside them those that are in force without any. */
export function ShippedPage<Rule>({ view }: { view: Shipped<Rule> }) {
  const meta = useResourceMeta(useResourceContext() ?? view.resource);
  const [params] = useSearchParams();
  useTitle(meta.plural);
  if (!meta.privileges.includes("view")) return <Forbidden name={meta.plural} />;
  return params.get("view") === "shipped" ? <ShippedList view={view} /> : <ResourceList head={<Views view={view} shown="own" />} empty={<Empty view={view} />} />;
}
