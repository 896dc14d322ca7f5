import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "react-router-dom";
import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { Waiting } from "../app/Messages";
import { PlainTable } from "../common/blocks";
import { count, fileSize, relativeTime } from "../common/format";
import { useDebounced } from "../common/hooks";
import type { EventRow } from "../events/model";
import { SeverityMark } from "../events/SeverityMark";
import { t } from "../i18n";
import { amount, lastOf, sparkPath, type Traffic } from "./graphs";
import { speed } from "./model";

const CI = "/ux/common/cmdb/profile/";
type Part = Record<string, unknown> & { id: string };
const text = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function Listed<T>({ name, url, empty, children }: { name: string; url: string; empty: string; children: (rows: T[]) => ReactNode }) {
  const { data } = useQuery({ queryKey: [name, url], queryFn: ({ signal }) => api<ListEnvelope<T>>(url, { signal }), retry: false });
  if (!data) return <Waiting />;
  if (data.results.length === 0) return <Typography color="text.secondary">{empty}</Typography>;
  return <Box>{children(data.results)}{data.count > data.results.length && <Typography variant="body2" color="text.secondary">{t("events.shown", { shown: count(data.results.length), count: count(data.count) })}</Typography>}</Box>;
}

/** Gi0/2 before Gi0/10. */
const natural = new Intl.Collator("en", { numeric: true });
const byName = (a: Part, b: Part) => natural.compare(text(a.name), text(b.name));

/** So many are seen at once; more are searched. */
const FEW = 25;

/** Parts of one kind; long lists can be searched, also for what is beyond the page that is shown. */
function PartsOf({ operation, id, children }: { operation: string; id: string; children: (rows: Part[]) => ReactNode }) {
  const [typed, setTyped] = useState("");
  const search = useDebounced(typed.trim(), 250);
  const { data } = useQuery({
    queryKey: ["ci-parts", operation, id, search], placeholderData: keepPreviousData, retry: false,
    queryFn: ({ signal }) => api<ListEnvelope<Part>>(`${CI}${operation}/${query({ ci_id: id, items_per_page: 500, ...(search ? { search } : {}) })}`, { signal }),
  });
  if (!data) return <Waiting />;
  if (data.count === 0 && !typed) return <Typography color="text.secondary">{t("assets.noPart")}</Typography>;
  return (
    <Box>
      {(typed || data.count > FEW) && <TextField size="small" type="search" placeholder={t("assets.searchParts")} value={typed} onChange={(event) => setTyped(event.target.value)} slotProps={{ htmlInput: { "aria-label": t("assets.searchParts") } }} sx={{ width: 280, mb: 1 }} />}
      {data.results.length === 0 ? <Typography color="text.secondary">{t("assets.noPartLike")}</Typography> : children(data.results)}
      {data.count > data.results.length && <Typography variant="body2" color="text.secondary">{t("events.shown", { shown: count(data.results.length), count: count(data.count) })}</Typography>}
    </Box>
  );
}

function Status({ up, admin }: { up: string; admin: string }) {
  const color = up === "up" ? "success.main" : admin === "down" ? "text.secondary" : up ? "error.main" : "text.secondary";
  return <Box component="span" sx={{ color }}>{admin === "down" ? `${up || "down"} (admin)` : up}</Box>;
}

const SPARK = { width: 96, height: 20 };

/** In and out of an interface in the last hours, each line as high as its own busiest moment of both. */
function Spark({ traffic }: { traffic: Traffic | undefined }) {
  if (!traffic) return null;
  const top = Math.max(0, ...[...traffic.inbound, ...traffic.outbound].map((value) => value ?? 0));
  const [inbound, outbound] = [lastOf(traffic.inbound), lastOf(traffic.outbound)];
  const words = t("assets.inAndOut", { in: inbound === null ? "–" : amount(inbound, "bit/s"), out: outbound === null ? "–" : amount(outbound, "bit/s") });
  return (
    <Box component="svg" role="img" aria-label={words} viewBox={`0 -1 ${SPARK.width} ${SPARK.height + 2}`} sx={{ width: SPARK.width, height: SPARK.height + 2, display: "block", overflow: "visible" }}>
      <title>{`${words} · ${t("assets.busiest", { top: amount(top, "bit/s") })}`}</title>
      <Box component="path" d={sparkPath(traffic.inbound, top, SPARK.width, SPARK.height)} sx={{ fill: "none", strokeWidth: 1.2, color: "primary.main" }} stroke="currentColor" />
      <Box component="path" d={sparkPath(traffic.outbound, top, SPARK.width, SPARK.height)} sx={{ fill: "none", strokeWidth: 1.2, color: "warning.main" }} stroke="currentColor" />
    </Box>
  );
}

export function Interfaces({ id }: { id: string }) {
  // All of them in one answer; what cannot be had leaves the list as it is.
  const { data } = useQuery({
    queryKey: ["traffic", id], queryFn: ({ signal }) => api<{ interfaces: Traffic[] }>(`/api/metrics/traffic/${query({ ci_id: id })}`, { signal }),
    retry: false, refetchInterval: 300_000,
  });
  const traffic = new Map(data?.interfaces.map((one) => [one.resource, one]));
  const drawn = traffic.size > 0;
  return (
    <PartsOf operation="interface" id={id}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.interfaces")} testId="interfaces" head={[t("assets.column.name"), t("assets.column.state"), `#${t("assets.column.speed")}`, ...(drawn ? [t("assets.column.traffic")] : []), t("assets.column.mac"), t("assets.column.vlan"), t("assets.column.address"), t("assets.column.description")]}
          rows={[...rows].sort(byName).map((row) => ({ key: row.id, cells: [<Link key="n" to={`?${new URLSearchParams({ tab: "graphs", of: text(row.key) || text(row.name) }).toString()}`} title={t("assets.graphsOf", { name: text(row.name) })}>{text(row.name)}</Link>, <Status key="s" up={text(row.oper_status)} admin={text(row.admin_status)} />, speed(row.speed as number | null), ...(drawn ? [<Spark key="t" traffic={traffic.get(text(row.key)) ?? traffic.get(text(row.name))} />] : []), <code key="m">{text(row.mac)}</code>, text(row.vlan), Array.isArray(row.addresses) ? row.addresses.join(", ") : "", text(row.alias) || text(row.description)] }))} />
      )}
    </PartsOf>
  );
}

export function Parts({ id }: { id: string }) {
  return (
    <PartsOf operation="hardware" id={id}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.parts")} head={[t("assets.column.name"), t("assets.column.kind"), t("assets.column.model"), t("assets.column.serial"), t("assets.column.version"), t("assets.column.description")]}
          rows={rows.map((row) => ({ key: row.id, cells: [text(row.name), text(row.kind), [text(row.manufacturer), text(row.model)].filter(Boolean).join(" "), text(row.serial_number), text(row.firmware) || text(row.software), text(row.description)] }))} />
      )}
    </PartsOf>
  );
}

/** How much of it is used, as a bar and in percent. */
function Used({ used, total }: { used: number; total: number }) {
  const part = Math.min(100, Math.round((used / total) * 100));
  return (
    <Box sx={{ display: "flex", alignItems: "center", gap: 1 }}>
      <Box aria-hidden sx={{ width: 120, height: 6, borderRadius: 3, bgcolor: "divider", overflow: "hidden" }}><Box sx={{ width: `${part}%`, height: 1, bgcolor: part >= 90 ? "error.main" : part >= 80 ? "warning.main" : "primary.main" }} /></Box>
      {`${part}% · ${fileSize(used)}`}
    </Box>
  );
}

export function Storage({ id }: { id: string }) {
  return (
    <PartsOf operation="storage-list" id={id}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.storage")} testId="storage" head={[t("assets.column.name"), t("assets.column.kind"), `#${t("assets.column.size")}`, t("assets.column.used")]}
          rows={[...rows].sort(byName).map((row) => ({ key: row.id, cells: [text(row.name), text(row.kind), row.total ? fileSize(Number(row.total)) : "", row.total && row.used !== null ? <Used key="u" used={Number(row.used)} total={Number(row.total)} /> : ""] }))} />
      )}
    </PartsOf>
  );
}

export function Software({ id }: { id: string }) {
  return (
    <PartsOf operation="software-inv-list" id={id}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.software")} head={[t("assets.column.name"), t("assets.column.version"), t("assets.column.publisher"), t("assets.column.kind"), t("assets.column.state")]}
          rows={rows.map((row) => ({ key: row.id, cells: [text(row.name), text(row.version), text(row.publisher), text(row.kind), text(row.state)] }))} />
      )}
    </PartsOf>
  );
}

/** Events of the item, and of its address where they came before it was known. */
export function EventsOf({ id, address }: { id: string; address: string }) {
  const url = `/ux/common/events/events/${query({ items_per_page: 200, sort: "last_seen", reverse: true, filters: JSON.stringify({ or: [{ field: "ci", condition: "equal", value: id }, ...(address ? [{ field: "address", condition: "equal", value: address }] : [])] }) })}`;
  return (
    <Listed<EventRow> name="ci-events" url={url} empty={t("assets.noEvents")}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.events")} testId="ci-events" head={[t("assets.column.severity"), t("assets.column.message"), `#${t("assets.column.count")}`, t("assets.column.last"), t("assets.column.state")]}
          rows={rows.map((row) => ({ key: row.id, cells: [<SeverityMark key="s" severity={row.severity} name={row.severity_name} />, <Link key="l" to={`/event/${row.id}`}>{row.message}</Link>, count(row.count), relativeTime(row.last_seen), row.cleared ? t("events.cleared") : t("events.active")] }))} />
      )}
    </Listed>
  );
}

interface TicketRow {
  incident_id: string;
  display_id: string;
  summary: string;
  status: unknown;
  state: unknown;
}

/** Tickets that name the item, by its id. */
export function TicketsOf({ id }: { id: string }) {
  const url = `/ux/sd/inci/incident/${query({ items_per_page: 200, filters: JSON.stringify({ and: [{ field: "assets", condition: "contains", value: id }] }) })}`;
  return (
    <Listed<TicketRow> name="ci-tickets" url={url} empty={t("assets.noTickets")}>
      {(rows) => (
        <PlainTable label={t("assets.tabs.tickets")} testId="ci-tickets" head={[t("assets.column.number"), t("assets.column.summary"), t("assets.column.status")]}
          rows={rows.map((row) => ({ key: row.incident_id, cells: [<Link key="l" to={`/incident/${row.display_id}`}>{row.display_id}</Link>, row.summary, text(row.status)] }))} />
      )}
    </Listed>
  );
}
