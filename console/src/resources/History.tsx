import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { verbUrl } from "../api/dataProvider";
import { api, query } from "../api/http";
import { useLive } from "../api/live";
import type { HistoryEntry, ListEnvelope, ResourceMeta } from "../api/types";
import { Failure, Message, Waiting } from "../app/Messages";
import { dateTime, plainText, relativeTime } from "../common/format";
import { t } from "../i18n";

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return t("resources.wasEmpty");
  if (typeof value === "object") {
    const object = value as Record<string, unknown>;
    if (typeof object.name === "string") return object.name;
    return Array.isArray(value) ? value.map(shown).join(", ") : JSON.stringify(value);
  }
  const text = String(value);
  return /<\w+[^>]*>/.test(text) ? plainText(text) : text;
}

const ACTIONS = ["create", "update", "delete", "comment"] as const;
type KnownAction = (typeof ACTIONS)[number];

export function History({ meta, id }: { meta: ResourceMeta; id: string }) {
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
      {data.results.map((entry) => (
        <Box component="li" key={entry.id} sx={{ borderBottom: 1, borderColor: "divider", py: 1 }}>
          <Typography variant="body2">
            <strong>{entry.actor_name ?? t("ticket.system")}</strong>{" "}
            {ACTIONS.includes(entry.action as KnownAction) ? t(`resources.actions.${entry.action as KnownAction}`) : entry.action.replace(/_/g, " ")}{" "}
            <Box component="time" dateTime={entry.at} title={dateTime(entry.at)} sx={{ color: "text.secondary" }}>{relativeTime(entry.at)}</Box>
          </Typography>
          {entry.changes?.length > 0 && (
            <Box component="ul" sx={{ m: 0, mt: 0.5, pl: 2.5 }}>
              {entry.changes.map((change, index) => (
                <Box component="li" key={index} sx={{ overflowWrap: "anywhere" }}>
                  {change.label ?? change.field}: {entry.action !== "create" && <><Box component="del" sx={{ color: "text.secondary" }}>{shown(change.old)}</Box> → </>}<span>{shown(change.new)}</span>
                </Box>
              ))}
            </Box>
          )}
        </Box>
      ))}
    </Box>
  );
}
