import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Chip from "@mui/material/Chip";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { Link, useParams } from "react-router-dom";
import { ApiError, api } from "../api/http";
import { useLive } from "../api/live";
import { useResourceMeta } from "../api/metadata";
import { userMay } from "../api/permissions";
import { recordKey } from "../api/records";
import { useSession } from "../api/session";
import { Failure, NotFound, Waiting } from "../app/Messages";
import { Facts, preStyle, Section, useTask } from "../common/blocks";
import { count, dateTime, exactTime, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { readSurrounding } from "../logs/api";
import { Comments } from "../resources/Comments";
import { History } from "../resources/History";
import { EventActions } from "./Actions";
import { EVENTS, readOccurrences, readTickets, tag as tagEvents } from "./api";
import { logAround, type EventRow } from "./model";
import { SeverityMark } from "./SeverityMark";

interface EventRecord extends EventRow {
  variables: Record<string, unknown>;
  raw: string;
  reference: string;
  rule: string;
  cleared_at: string | null;
  acknowledged_by_name?: string | null;
  suppressed_until: string | null;
  suppression_reason: string;
  parent: string | null;
  parent_name?: string | null;
  maintenance: string | null;
  maintenance_name?: string | null;
  meaning?: string;
  recommended_action?: string;
}

function LogLines({ reference }: { reference: string }) {
  const { data } = useQuery({ queryKey: ["logs", "around", reference], queryFn: ({ signal }) => readSurrounding(reference, signal), retry: false });
  if (!data) return null;
  return (
    <Section title={t("events.logLines")}>
      <Box component="pre" sx={preStyle}>
        {[...data.before, data.line, ...data.after].map((line) => (
          <Box key={line.id} component="span" sx={{ display: "block", bgcolor: line.id === data.line.id ? "note.main" : undefined, color: line.id === data.line.id ? "note.text" : undefined }}>
            {new Date(line.time).toLocaleTimeString("en-GB")} {line.app && `${line.app}: `}{line.message}
          </Box>
        ))}
      </Box>
    </Section>
  );
}

function Tickets({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ["event-tickets", id], queryFn: ({ signal }) => readTickets(id, signal), retry: false });
  if (!data) return null;
  return (
    <Section title={t("events.tickets")} testId="event-tickets">
      {data.length === 0 && <Typography color="text.secondary">{t("events.noTickets")}</Typography>}
      {data.map((ticket) => (
        <Box key={ticket.incident_id} sx={{ display: "flex", gap: 1, py: 0.25 }}>
          <Link to={`/incident/${encodeURIComponent(ticket.display_id || ticket.incident_id)}`} style={{ whiteSpace: "nowrap" }}>{ticket.display_id}</Link>
          <span>{ticket.summary}</span>
          <Box component="span" sx={{ color: "text.secondary" }}>{ticket.rule_name ? t("events.openedBy", { name: ticket.rule_name }) : ticket.linked_by && t("events.openedBy", { name: ticket.linked_by })}</Box>
          <Box component="span" sx={{ ml: "auto", color: "text.secondary", whiteSpace: "nowrap" }}>{ticket.status}</Box>
        </Box>
      ))}
    </Section>
  );
}

function Occurrences({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ["event-occurrences", id], queryFn: ({ signal }) => readOccurrences(id, signal), retry: false });
  if (!data) return null;
  return (
    <Section title={t("events.occurrences")}>
      {data.length === 0 && <Typography color="text.secondary">{t("events.noOccurrences")}</Typography>}
      <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none", maxHeight: 320, overflow: "auto" }}>
        {data.map((item, index) => (
          <Box component="li" key={index} sx={{ display: "flex", gap: 1.5, py: "2px", fontSize: 12 }}>
            <Box component="span" sx={{ color: "text.secondary", whiteSpace: "nowrap" }}>{exactTime(item.time)}</Box>
            <Box component="span" sx={{ overflowWrap: "anywhere" }}>{item.message}</Box>
          </Box>
        ))}
      </Box>
    </Section>
  );
}

export default function EventPage() {
  const meta = useResourceMeta("event");
  const { id = "" } = useParams();
  const { user } = useSession();
  const client = useQueryClient();
  const key = recordKey("event", id);
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => api<EventRecord>(`${EVENTS}${encodeURIComponent(id)}/`, { signal }) });
  useTitle(data?.message);
  const { run } = useTask();
  useEffect(() => {
    if (data) rememberRecent(user.profile_id, { resource: meta.name, id, title: data.message });
  }, [data, id, meta.name, user.profile_id]);
  const again = () => {
    void refetch();
    for (const name of ["event-tickets", "event-occurrences"]) void client.invalidateQueries({ queryKey: [name, id] });
    void client.invalidateQueries({ queryKey: ["history", meta.name, id] });
    void client.invalidateQueries({ queryKey: ["comments", meta.name, id] });
  };
  useLive("event_counts", ({ events }) => { if (events.some((event) => event.id === id)) void refetch(); });
  useLive("change", (change) => { if (change.resource === "event" && String(change.id) === id) again(); });
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const fromLog = data.source !== "trap" && /^\d{6,20}$/.test(data.reference) && userMay(user, "log_search", "view");
  const fromTrap = data.source === "trap" && data.reference !== "" && userMay(user, "trap_configuration", "view");
  const around = userMay(user, "log_search", "view") && logAround(data);
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 1400 }}>
      <Breadcrumbs sx={{ mb: 1, fontSize: 12 }}><Link to="/event">{meta.plural}</Link><span>{data.event_class}</span></Breadcrumbs>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1.5, mb: 1 }}>
        <SeverityMark severity={data.severity} name={data.severity_name} />
        <Typography variant="h1" sx={{ flex: 1, minWidth: 260, overflowWrap: "anywhere" }} data-testid="event-message">{data.message}</Typography>
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, mb: 1 }} data-testid="event-state">
        <Chip label={data.cleared ? t("events.cleared") : t("events.active")} />
        {data.acknowledged && <Chip label={t("events.ack")} />}
        {data.flapping && <Chip label={t("events.flapping")} />}
        {data.suppressed && <Chip label={`${t("events.suppressed")}${data.suppressed_until ? ` · ${dateTime(data.suppressed_until)}` : ""}`} />}
        {data.tags.map((tag) => <Chip key={tag} label={tag} variant="outlined" onDelete={userMay(user, "event", "edit") ? () => void run(async () => { await tagEvents([data.id], [tag], "remove"); again(); }) : undefined} title={userMay(user, "event", "edit") ? t("events.untag", { name: tag }) : undefined} />)}
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.5, mb: 2 }}><EventActions ids={[data.id]} state={data} onDone={again} /></Box>
      <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,3fr) minmax(0,2fr)" } }}>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          <Section title={t("events.details")}>
            <Facts facts={[
              [t("events.columns.host"), data.ci ? <Link key="ci" to={`/ci/${data.ci}`}>{data.ci_name || data.host || data.address}</Link> : data.host || data.address],
              [t("events.columns.resource"), data.resource],
              [t("events.columns.count"), count(data.count)],
              [t("events.firstSeen"), <span key="first" title={relativeTime(data.first_seen)}>{exactTime(data.first_seen)}</span>],
              [t("events.lastSeen"), <span key="last" title={relativeTime(data.last_seen)}>{exactTime(data.last_seen)}</span>],
              [t("events.clearedAt"), exactTime(data.cleared_at)],
              [t("events.columns.assignee"), data.assignee_name],
              [t("events.dueDate"), dateTime(data.due_date)],
              [t("events.ack"), data.acknowledged_by_name],
              [t("events.reason"), data.suppression_reason],
              [t("events.parent"), data.parent && <Link key="parent" to={`/event/${data.parent}`}>{data.parent_name || data.parent}</Link>],
              [t("events.maintenance"), data.maintenance && <Link key="window" to={`/maintenance/${data.maintenance}`}>{data.maintenance_name || data.maintenance}</Link>],
              [t("events.rule"), data.rule],
              [t("events.trap"), fromTrap && <Link key="trap" to={`/traps?trap=${data.reference}`}>{t("events.trapOpen")}</Link>],
              [t("events.around"), around && <Link key="around" to={around}>{t("events.aroundOpen")}</Link>],
              [t("events.meaning"), data.meaning],
              [t("events.recommended"), data.recommended_action],
            ]} />
          </Section>
          {data.raw && <Section title={t("events.raw")}><Box component="pre" sx={preStyle}>{data.raw}</Box></Section>}
          {fromLog && <LogLines reference={data.reference} />}
          {Object.keys(data.variables ?? {}).length > 0 && <Section title={t("events.variables")}><Facts facts={Object.entries(data.variables).map(([name, value]): [string, ReactNode] => [name, String(value)])} /></Section>}
          <Occurrences id={data.id} />
        </Box>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          <Tickets id={data.id} />
          <Section title={t("events.comments")}><Comments meta={meta} id={data.id} /></Section>
          <Section title={t("events.history")}><History meta={meta} id={data.id} /></Section>
        </Box>
      </Box>
    </Box>
  );
}
