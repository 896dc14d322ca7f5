import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Chip from "@mui/material/Chip";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Tooltip from "@mui/material/Tooltip";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { useNotify } from "react-admin";
import { Link, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { ApiError, api, query } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities, userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, NotFound, Waiting } from "../app/Messages";
import { Facts, PlainTable, Section, useTask } from "../common/blocks";
import { dateTime, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { Attachments } from "../resources/Attachments";
import { Comments } from "../resources/Comments";
import { Details } from "../resources/Details";
import { History } from "../resources/History";
import { useRecord } from "../resources/RecordHead";
import { EditTab } from "../resources/RecordPage";
import { ItemIcons } from "../templates/ItemIcons";
import { Compared } from "./Compared";
import { Conflicts } from "./Conflicts";
import { MapView } from "./MapView";
import { LIVE, type Direction } from "./model";
import { EventsOf, Interfaces, Parts, Software, Storage, TicketsOf } from "./tabs";

// The charts weigh more than the rest of the page.
const Graphs = lazy(() => import("./Graphs"));

interface Basic {
  path: string[];
  sections: { name: string; fields: { field: string; label: string; text: unknown }[] }[];
  addresses: { address: string; management: boolean; source: string }[];
  seen: { source: string; first_seen: string; last_seen: string }[];
  counts: Record<string, number>;
  conflicts: number;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:/;
const shown = (value: unknown): string => (typeof value === "string" && INSTANT.test(value) ? dateTime(value) : Array.isArray(value) ? value.map(shown).join(", ") : typeof value === "boolean" ? t(value ? "common.yes" : "common.no") : typeof value === "object" && value !== null ? String((value as { name?: unknown }).name ?? "") : String(value ?? ""));
const QUIET = new Set(["id", "created_by", "custom_field_data"]);
/** The operational status that nobody has told. */
const UNKNOWN = 4;

function Summary({ basic, id, mayEdit }: { basic: Basic; id: string; mayEdit: boolean }) {
  return (
    <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: "repeat(auto-fill, minmax(320px, 1fr))" }}>
      {basic.conflicts > 0 && <Conflicts id={id} mayDecide={mayEdit} />}
      {basic.sections.map((section) => (
        <Section key={section.name} title={section.name}>
          <Facts facts={section.fields.filter((item) => !QUIET.has(item.field)).map((item): [string, string] => [item.label, shown(item.text)])} />
        </Section>
      ))}
      {basic.addresses.length > 0 && <Section title={t("assets.addresses")}><PlainTable label={t("assets.addresses")} head={[t("assets.addresses"), t("assets.seen")]} rows={basic.addresses.map((item) => ({ key: item.address, cells: [<code key="a">{item.address}</code>, item.source] }))} /></Section>}
      {basic.seen.length > 0 && <Section title={t("assets.seen")}><Facts facts={basic.seen.map((item): [string, string] => [item.source, relativeTime(item.last_seen)])} /></Section>}
    </Box>
  );
}

interface PollState { polled: boolean; enabled: boolean; state: string; since: string | null; last_run: string | null; error: string }

/** Whether a polled device answers, as of its last poll. */
function Availability({ id }: { id: string }) {
  const { data } = useQuery({
    queryKey: ["ci", "poll-status", id],
    queryFn: ({ signal }) => api<{ results: PollState[] }>("/ux/common/cmdb/profile/poll-status/", { method: "POST", body: { ci_ids: [id] }, signal }),
    refetchInterval: 30_000, retry: false,
  });
  const state = data?.results[0];
  if (!state?.polled) return null;
  const live = state.enabled ? LIVE[state.state] : undefined;
  const label = t(`assets.live.${live ? live.label : state.enabled ? "waiting" : "paused"}`);
  const when = [state.since && t("assets.live.since", { when: dateTime(state.since) }), state.last_run && t("assets.live.polled", { when: dateTime(state.last_run) }), state.error].filter(Boolean).join(" ");
  return <Tooltip title={when}><Chip label={label} color={live?.color ?? "default"} data-testid="ci-live" /></Tooltip>;
}

/** Everything about one item: a click away from what it is made of, connected to, and in trouble with. */
export default function AssetPage() {
  const meta = useResourceMeta("ci");
  const { id = "" } = useParams();
  const { user } = useSession();
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const [view, setView] = useState<{ direction: Direction; depth: number }>({ direction: "both", depth: 1 });
  const { data: record, error, refetch } = useRecord("ci", id);
  const { data: basic } = useQuery({ queryKey: ["ci", "basic", id], queryFn: ({ signal }) => api<Basic>(`/ux/common/cmdb/profile/basicview/${query({ ci_id: id })}`, { signal }), retry: false });
  const client = useQueryClient();
  const notify = useNotify();
  const { run } = useTask();
  const name = record ? String(record.name ?? "") : "";
  useTitle(name || meta.label);
  useEffect(() => {
    if (name) rememberRecent(user.profile_id, { resource: "ci", id, title: name });
  }, [id, name, user.profile_id]);
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error && !record) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!record) return <Waiting />;
  const restore = (entry: string, field: string, label: string) => run(async () => {
    await api(`/ux/common/cmdb/profile/${id}/restore/`, { method: "POST", body: { change: Number(entry), field } });
    notify(t("resources.restored", { name: label }), { type: "success" });
    await Promise.all([refetch(), client.invalidateQueries({ queryKey: ["ci", "basic", id] })]);
  });
  const counts = basic?.counts ?? {};
  const tabs = [
    "summary", "graphs", "interfaces", "parts", "storage", "software",
    ...(userMay(user, "ci_relation", "view") ? ["relations"] as const : []),
    ...(userMay(user, "event", "view") ? ["events"] as const : []),
    ...(userMay(user, "incident", "view") ? ["tickets"] as const : []),
    "edit", "comments", "attachments", "history",
  ] as const;
  const tab = tabs.find((item) => item === params.get("tab")) ?? "summary";
  const number: Record<string, number | undefined> = { interfaces: counts.interfaces, parts: counts.hardware, storage: counts.storage, software: counts.software, relations: counts.relations };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to="/ci">{meta.plural}</Link>{basic?.path.map((item) => <span key={item}>{item}</span>)}</Breadcrumbs>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography variant="h1" sx={{ overflowWrap: "anywhere" }} data-testid="ci-name">{name}</Typography>
        <ItemIcons id={id} />
        <Availability id={id} />
        {[record.display_id, record.status_name, record.operational_status === UNKNOWN ? "" : record.operational_status_name, record.criticality_name, record.ip_address].filter((item) => typeof item === "string" && item !== "").map((item) => <Chip key={String(item)} label={String(item)} variant="outlined" />)}
      </Box>
      <Tabs value={tab} onChange={(_, next: string) => setParams(next === "summary" ? {} : { tab: next }, { replace: true })} variant="scrollable" sx={{ borderBottom: 1, borderColor: "divider", mb: 2 }}>
        {tabs.map((item) => <Tab key={item} value={item} label={`${t(`assets.tabs.${item}`)}${number[item] ? ` (${number[item]})` : ""}`} />)}
      </Tabs>
      {tab === "summary" && (basic ? <Summary basic={basic} id={id} mayEdit={abilities(meta).edit} /> : <Details meta={meta} record={record} />)}
      {tab === "graphs" && <Suspense fallback={<Waiting />}><Graphs id={id} /></Suspense>}
      {tab === "interfaces" && <Interfaces id={id} />}
      {tab === "parts" && <Parts id={id} />}
      {tab === "storage" && <Storage id={id} />}
      {tab === "software" && <Software id={id} />}
      {tab === "relations" && (
        <Box sx={{ display: "grid", gap: 2 }}>
          <MapView ci={id} {...view} height={560} onView={(change) => { if (change.ci) navigate(`/ci/${change.ci}?tab=relations`); else setView((before) => ({ ...before, ...change })); }} />
          <Compared ci={id} depth={view.depth} />
        </Box>
      )}
      {tab === "events" && <EventsOf id={id} address={typeof record.ip_address === "string" ? record.ip_address : ""} />}
      {tab === "tickets" && <TicketsOf id={id} />}
      <Box hidden={tab !== "edit"} sx={{ maxWidth: 960 }}>{abilities(meta).edit ? <EditTab key={id} meta={meta} record={record} /> : <Details meta={meta} record={record} />}</Box>
      {tab === "comments" && <Comments meta={meta} id={id} />}
      {tab === "attachments" && <Attachments meta={meta} id={id} />}
      {tab === "history" && <History meta={meta} id={id} onRestore={abilities(meta).edit ? restore : undefined} />}
    </Box>
  );
}
