import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { PlainTable, Section, useTask } from "../common/blocks";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

interface Attempt {
  id: string;
  at: string;
  number: number;
  outcome: string;
  latency_ms: number;
  response_status: number | null;
  response: string;
  error: string;
}

const AGAIN = new Set(["failed", "suppressed", "cancelled", "held"]);

/** Every try to deliver a message, and another one. */
export function Attempts({ record }: FormPanel) {
  const meta = useResourceMeta("notification");
  const client = useQueryClient();
  const notify = useNotify();
  const { busy, run } = useTask();
  const id = String(record?.id ?? "");
  const { data, refetch } = useQuery({ queryKey: ["attempts", id], queryFn: ({ signal }) => api<{ results: Attempt[] }>(`/api/notifications/${id}/attempts/`, { signal }), enabled: !!id, refetchInterval: 5000 });
  if (!record) return null;
  const retry = () => run(async () => {
    await api(`/api/notifications/${id}/retry/`, { method: "POST", body: {} });
    notify(t("notify.retried"), { type: "success" });
    void refetch();
    void client.invalidateQueries({ queryKey: ["notification"] });
  });
  return (
    <Section title={t("notify.attempts")} testId="attempts" actions={abilities(meta).edit && AGAIN.has(String(record.status)) && <Button variant="outlined" disabled={busy} onClick={() => void retry()}>{t("notify.retry")}</Button>}>
      {data?.results.length === 0 && !!record.attempts && <Typography color={record.error ? "error" : undefined}>{[record.response_status, record.error || record.response].filter(Boolean).map(String).join(" ")}</Typography>}
      {data?.results.length === 0 && !record.attempts && <Typography color="text.secondary">{t("notify.noAttempts")}</Typography>}
      {data && data.results.length > 0 && (
        <PlainTable label={t("notify.attempts")} head={[t("notify.number"), t("notify.at"), t("notify.outcome"), t("notify.status"), t("notify.took"), t("notify.answer")]}
          rows={data.results.map((item) => ({ key: item.id, cells: [item.number, dateTime(item.at), item.outcome, item.response_status ?? "", `${item.latency_ms} ms`, item.error || item.response] }))} />
      )}
    </Section>
  );
}
