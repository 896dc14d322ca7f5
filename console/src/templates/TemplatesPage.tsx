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
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { PlainTable } from "../common/blocks";
import { count, inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ResourceList } from "../resources/ResourceList";
import { SearchBox } from "../resources/SearchBox";
import { readShipped, type Shipped } from "./api";

const SIZE = 100;

function useShipped(search: string, page: number) {
  return useQuery({ queryKey: ["shipped-templates", search, page], queryFn: ({ signal }) => readShipped(search, page, SIZE, signal), placeholderData: keepPreviousData, staleTime: Infinity });
}

/** A shipped rule as the start of a template; the form takes it from the address bar's state. */
export const asTemplate = (rule: Shipped) => ({
  product: `${rule.vendor} ${rule.os === rule.vendor ? "" : rule.os}`.trim(), vendor: rule.vendor, sysobjectid: rule.sysobjectid, sysdescr: rule.sysdescr,
  device_type: rule.device_type, os_type: rule.os, version_expression: rule.version[0] ?? "",
});

function Views({ shown }: { shown: "own" | "shipped" }) {
  const { data } = useShipped("", 1);
  return (
    <Tabs value={shown} sx={{ px: { xs: 1, sm: 2 }, borderBottom: 1, borderColor: "divider", flexShrink: 0 }}>
      <Tab value="own" label={t("templates.own")} component={Link} to="/device_template" />
      <Tab value="shipped" label={`${t("templates.shipped")}${data ? ` (${count(data.count)})` : ""}`} component={Link} to="/device_template?view=shipped" />
    </Tabs>
  );
}

function Empty() {
  const meta = useResourceMeta("device_template");
  const { data } = useShipped("", 1);
  const may = abilities(meta);
  return (
    <Box sx={{ maxWidth: 760, mx: "auto" }}>
      <Message testId="empty" title={t("templates.emptyTitle")} hint={data ? t("templates.emptyHint", { count: count(data.count) }) : t("templates.emptyHintPlain")}
        action={
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, justifyContent: "center" }}>
            {may.create && <Button variant="contained" component={Link} to="/device_template/create">{t("resources.create", { name: inSentence(meta.label) })}</Button>}
            <Button variant="outlined" component={Link} to="/device_template?view=shipped">{t("templates.showShipped")}</Button>
            {may.import && <Button variant="outlined" component={Link} to="/device_template/import">{t("resources.import")}</Button>}
          </Box>
        } />
    </Box>
  );
}

function ShippedList() {
  const meta = useResourceMeta("device_template");
  const [params, setParams] = useSearchParams();
  const search = params.get("q") ?? "";
  const page = Math.max(1, Number(params.get("page")) || 1);
  const { data, error, refetch } = useShipped(search, page);
  const may = abilities(meta);
  const go = (q: string, at: number) => setParams({ view: "shipped", ...(q ? { q } : {}), ...(at > 1 ? { page: String(at) } : {}) }, { replace: true });
  const from = data && data.count > 0 ? (page - 1) * SIZE + 1 : 0;
  const number = (text: string) => <Box component="code" sx={{ fontSize: 12, whiteSpace: "nowrap" }}>{text}</Box>;
  const code = (text: string) => <Box component="code" sx={{ fontSize: 12, overflowWrap: "anywhere" }}>{text}</Box>;
  return (
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: { xs: 1, sm: 2 }, py: 1 }}>
        <Typography variant="h1" sx={{ mr: 1 }}>{meta.plural}</Typography>
        <SearchBox label={t("templates.search")} value={search} onChange={(q) => go(q, 1)} />
        <Box sx={{ flex: 1 }} />
        {may.create && <Button variant="outlined" component={Link} to="/device_template/create">{t("resources.create", { name: inSentence(meta.label) })}</Button>}
      </Box>
      <Views shown="shipped" />
      <Typography variant="body2" color="text.secondary" sx={{ px: { xs: 1, sm: 2 }, py: 1 }}>{t("templates.shippedHint")}</Typography>
      {error ? <Failure error={error} onRetry={() => void refetch()} />
        : !data ? <Waiting />
        : data.count === 0 ? <Message testId="no-match" title={t("templates.noMatch")} hint={t("templates.noMatchHint")} action={<Button variant="outlined" onClick={() => go("", 1)}>{t("resources.clearFilters")}</Button>} />
        : (
          <>
            <Box sx={{ flex: 1, minHeight: 0, overflow: "auto", px: { xs: 1, sm: 2 } }}>
              <PlainTable label={t("templates.shipped")} testId="shipped" head={[t("templates.vendor"), t("templates.os"), t("templates.type"), t("templates.sysobjectid"), t("templates.descr"), ""]}
                rows={data.results.map((rule, index) => ({
                  key: String(index),
                  cells: [rule.vendor, rule.os, rule.device_type, number(rule.sysobjectid), code(rule.sysdescr),
                    // A template of one's own cannot ask for an object: without it, it would fit many more devices.
                    may.create && !rule.object && <Button key="copy" size="small" component={Link} to="/device_template/create" state={{ record: asTemplate(rule) }} aria-label={t("templates.copyName", { name: `${rule.vendor} ${rule.os}` })} title={t("templates.copyName", { name: `${rule.vendor} ${rule.os}` })}>{t("templates.copy")}</Button>],
                }))} />
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

/** An organization's own templates, and beside them the rules that are in force without any. */
export default function TemplatesPage() {
  const meta = useResourceMeta(useResourceContext() ?? "device_template");
  const [params] = useSearchParams();
  useTitle(meta.plural);
  if (!meta.privileges.includes("view")) return <Forbidden name={meta.plural} />;
  return params.get("view") === "shipped" ? <ShippedList /> : <ResourceList head={<Views shown="own" />} empty={<Empty />} />;
}
