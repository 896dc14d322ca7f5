import Box from "@mui/material/Box";
import ButtonLink from "@mui/material/Link";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { verbUrl } from "../api/dataProvider";
import { api, query } from "../api/http";
import { useLive } from "../api/live";
import { findField, referencedResource, useMetadata } from "../api/metadata";
import { referenceId } from "../api/records";
import type { ChoiceId, FieldMeta, HistoryEntry, ListEnvelope, ResourceMeta } from "../api/types";
import { Failure, Message, Waiting } from "../app/Messages";
import { dateTime, relativeTime } from "../common/format";
import { t } from "../i18n";
import { apart, changeText } from "./changes";
import { ReferenceNames } from "./ReferenceName";

const ACTIONS = ["create", "update", "delete", "comment", "resolve", "close", "reopen", "attach", "detach", "revoke", "merge", "unmerge", "feedback"] as const;
type KnownAction = (typeof ACTIONS)[number];

const writable = (meta: ResourceMeta, name: string) => meta.fields.some((field) => field.name === name && !field.read_only && !field.custom && field.behaviour !== "read_only" && field.behaviour !== "hidden");

function Value({ value, field }: { value: unknown; field: FieldMeta | undefined }) {
  const { byName } = useMetadata();
  const target = field && referencedResource(field, byName);
  const list = Array.isArray(value) ? value : [value];
  if (target && list.length > 0 && list.every((item) => referenceId(item) !== null)) {
    return <ReferenceNames target={target} ids={list.map((item) => referenceId(item) as ChoiceId)} />;
  }
  return <>{changeText(value, field) || t("resources.wasEmpty")}</>;
}

/** ``onRestore``: brings back what a field was before a change. */
export function History({ meta, id, onRestore }: { meta: ResourceMeta; id: string; onRestore?: (entry: string, field: string, label: string) => Promise<unknown> }) {
  const key = ["history", meta.name, id];
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api<ListEnvelope<HistoryEntry>>(`${verbUrl(meta, "history", id)}${query({ items_per_page: 100 })}`, { signal }),
  });
  useLive("change", (change) => {
    if (change.resource === meta.name && String(change.id) === id) void refetch();
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (data.results.length === 0) return <Message title={t("resources.noHistory")} />;
  return (
    <Box component="ol" aria-label={t("resources.history")} sx={{ listStyle: "none", m: 0, p: 0 }}>
      {data.results.map((entry) => {
        // What was not there before needs no "before".
        const plain = entry.action === "create" || entry.action === "comment";
        const changes = apart(entry.changes ?? [], meta.fields).filter((change) => !(entry.action === "comment" && change.field === "type"));
        return (
        <Box component="li" key={entry.id} sx={{ borderBottom: 1, borderColor: "divider", py: 1 }}>
          <Typography variant="body2">
            <strong>{entry.actor_name ?? t("ticket.system")}</strong>{" "}
            {ACTIONS.includes(entry.action as KnownAction) ? t(`resources.actions.${entry.action as KnownAction}`) : entry.action.replace(/_/g, " ")}{" "}
            <Box component="time" dateTime={entry.at} title={dateTime(entry.at)} sx={{ color: "text.secondary" }}>{relativeTime(entry.at)}</Box>
          </Typography>
          {changes.length > 0 && (
            <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.5 }}>
              {changes.map((change, index) => (
                <Box component="li" key={index} sx={{ overflowWrap: "anywhere" }}>
                  {change.label ?? change.field}: {!plain && <><Box component="del" sx={{ color: "text.secondary" }}><Value value={change.old} field={findField(meta, change.field)} /></Box> → </>}<Value value={change.new} field={findField(meta, change.field)} />
                  {onRestore && entry.action === "update" && writable(meta, change.field) && (
                    <ButtonLink component="button" type="button" sx={{ ml: 1, fontSize: 12 }} onClick={() => void onRestore(String(entry.id), change.field, change.label ?? change.field)} aria-label={t("resources.restoreOf", { name: change.label ?? change.field })}>{t("resources.restore")}</ButtonLink>
                  )}
                </Box>
              ))}
            </Box>
          )}
        </Box>
        );
      })}
    </Box>
  );
}
