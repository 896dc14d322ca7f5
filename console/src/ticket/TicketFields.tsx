import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import type { Row } from "../api/types";
import { t } from "../i18n";
import { Details } from "../resources/Details";
import { FieldValue, valueText } from "../resources/FieldValue";
import { EditTab } from "../resources/RecordPage";
import type { LoadedTicket } from "./api";
import { flatRecord, otherFields, type Behaviours, type Ticket } from "./model";

/** How the fields behave for the caller in the ticket's status, by Field Configuration. */
export function useBehaviours(status: string | undefined): Behaviours {
  const { data } = useQuery({
    queryKey: ["field-behaviour", "incident", status],
    queryFn: ({ signal }) => api<{ fields: Behaviours }>("/ux/common/fieldconfig/field-config/field_permission/", { method: "POST", body: { module: "incident", status: status ?? "" }, signal }),
    staleTime: 60_000,
    retry: false,
  });
  return data?.fields ?? {};
}

/** Everything about a ticket that has no place of its own: people, service, assets, closure, custom fields. */
export function TicketDetails({ ticket, detail, behaviours, mayEdit, onSaved }: { ticket: Ticket; detail: LoadedTicket; behaviours: Behaviours; mayEdit: boolean; onSaved: () => void }) {
  const meta = useResourceMeta("incident");
  const shown = useMemo(() => ({ ...meta, fields: otherFields(meta, behaviours) }), [meta, behaviours]);
  const record = useMemo((): Row => ({ ...flatRecord(detail.incident), id: ticket.id, __etag: detail.etag }), [detail, ticket.id]);
  const closed = ticket.state === "Closed";
  return (
    <Box sx={{ maxWidth: 820 }} data-testid="ticket-details">
      {closed && mayEdit && <Alert severity="info" sx={{ mb: 2 }}>{t("ticket.closedDetails")}</Alert>}
      {mayEdit && !closed ? <EditTab meta={shown} record={record} onSaved={onSaved} /> : <Details meta={shown} record={record} />}
    </Box>
  );
}

/** The custom fields that hold something, beside the conversation. */
export function CustomFacts({ detail, behaviours }: { detail: LoadedTicket; behaviours: Behaviours }) {
  const meta = useResourceMeta("incident");
  const record = detail.incident as Row;
  const filled = otherFields(meta, behaviours).filter((field) => field.custom && field.behaviour !== "hidden" && valueText(record, field) !== "");
  if (filled.length === 0) return null;
  return (
    <Box component="dl" data-testid="custom-facts" sx={{ m: 0, display: "grid", rowGap: 0.25, fontSize: 12.5, "& dt": { color: "text.secondary" }, "& dd": { m: 0, mb: 0.5, overflowWrap: "anywhere" } }}>
      {filled.map((field) => <Box key={field.name} sx={{ display: "contents" }}><dt>{field.label}</dt><dd><FieldValue record={record} field={field} link /></dd></Box>)}
    </Box>
  );
}
