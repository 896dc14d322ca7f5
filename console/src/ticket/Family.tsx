import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { PlainTable, useTask } from "../common/blocks";
import { count, relativeTime } from "../common/format";
import { SeverityMark } from "../events/SeverityMark";
import { t } from "../i18n";
import { INCIDENTS, relatives } from "./model";

interface TicketEvent {
  event_id: string;
  message: string;
  severity: string;
  severity_id: number;
  cleared: boolean;
  host: string;
  address: string;
  count: number;
  last_seen: string;
  rule_name: string | null;
  linked_by: string;
}

/** The events that led to a ticket, or were added to it. */
export function TicketEvents({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ["ticket-events", id], queryFn: ({ signal }) => api<ListEnvelope<TicketEvent>>(`${INCIDENTS}${encodeURIComponent(id)}/events/${query({ items_per_page: 500 })}`, { signal }), refetchInterval: 15_000 });
  if (!data) return null;
  if (data.results.length === 0) return <Typography color="text.secondary">{t("ticket.noEvents")}</Typography>;
  return (
    <PlainTable label={t("ticket.events")} testId="ticket-events" head={[t("events.columns.severity"), t("events.columns.message"), t("events.columns.host"), `#${t("events.columns.count")}`, t("events.columns.last"), t("events.columns.state"), t("ticket.linkedBy")]}
      rows={data.results.map((event) => ({ key: event.event_id, cells: [<SeverityMark key="s" severity={event.severity_id} name={event.severity} />, <Link key="l" to={`/event/${event.event_id}`}>{event.message}</Link>, event.host || event.address, count(event.count), relativeTime(event.last_seen), event.cleared ? t("events.cleared") : t("events.active"), event.rule_name || event.linked_by] }))} />
  );
}

/** With which tickets this one was merged, and taking it back. */
export function MergeNotices({ id, reference, onDone }: { id: string; reference: unknown; onDone: () => void }) {
  const { busy, run } = useTask();
  const { into, merged } = relatives(reference);
  const unmerge = (child: string) => run(async () => {
    await api(`${INCIDENTS}unmerge/`, { method: "POST", body: { incident_id: child } });
    onDone();
  });
  return (
    <>
      {into && (
        <Alert severity="info" sx={{ mb: 1 }} data-testid="merged-into" action={<Button color="inherit" disabled={busy} onClick={() => void unmerge(id)}>{t("ticket.unmerge")}</Button>}>
          {t("ticket.mergedInto")} <Link to={`/incident/${into.displayId}`}>{into.displayId}</Link>
        </Alert>
      )}
      {merged.length > 0 && (
        <Alert severity="info" sx={{ mb: 1 }} data-testid="merged-here">
          {t("ticket.mergedHere")} {merged.map((item) => <Box key={item.id} component="span" sx={{ mr: 1.5 }}><Link to={`/incident/${item.displayId}`}>{item.displayId}</Link> <Button size="small" color="inherit" disabled={busy} onClick={() => void unmerge(item.id)}>{t("ticket.unmerge")}</Button></Box>)}
        </Alert>
      )}
    </>
  );
}
