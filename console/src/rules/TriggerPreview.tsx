import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { api, messageOf } from "../api/http";
import { PlainTable, Section, useTask } from "../common/blocks";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

interface Preview {
  examined: number;
  matched: number;
  groups: { key: string; summary: string; events: { event_id: string; message: string; severity: string; device: string }[] }[];
}

/** Which of the newest events a trigger, as it stands in the form, would have acted on. */
export function TriggerPreview({ record, draft }: FormPanel) {
  const notify = useNotify();
  const { busy, run } = useTask();
  const [answer, setAnswer] = useState<Preview>();
  const [failure, setFailure] = useState<string>();
  const look = async () => {
    setFailure(undefined);
    try {
      setAnswer(await api<Preview>("/api/event-triggers/preview/", { method: "POST", body: { trigger: draft(), id: record ? String(record.id) : "", last: 500 } }));
    } catch (error) {
      setAnswer(undefined);
      setFailure(messageOf(error));
    }
  };
  const apply = () => run(async () => {
    const done = await api<{ matched: number; taken: number }>(`/api/event-triggers/${String(record?.id)}/apply/`, { method: "POST", body: {} });
    notify(t("rules.applied", done), { type: "success" });
  });
  return (
    <Section title={t("rules.preview")} testId="trigger-preview" actions={
      <>
        {record && <Button disabled={busy} onClick={() => void apply()}>{t("rules.apply")}</Button>}
        <Button variant="outlined" onClick={() => void look()}>{t("rules.tryIt")}</Button>
      </>
    }>
      <Typography variant="body2" color="text.secondary">{t("rules.previewHint")}</Typography>
      {failure && <Alert severity="error" sx={{ mt: 1 }}>{failure}</Alert>}
      {answer && <Typography sx={{ fontWeight: 600, my: 1 }}>{answer.matched > 0 ? t("rules.examined", { matched: answer.matched, examined: answer.examined, groups: answer.groups.length }) : t("rules.nothing", { examined: answer.examined })}</Typography>}
      <Box sx={{ display: "grid", gap: 1.5, maxHeight: 420, overflow: "auto" }}>
        {answer?.groups.slice(0, 50).map((group) => (
          <Box key={group.key}>
            <Typography sx={{ fontWeight: 600 }}>{group.summary}</Typography>
            <PlainTable label={group.summary} head={[t("rules.severity"), t("rules.device"), t("rules.event")]}
              rows={group.events.slice(0, 20).map((event) => ({ key: event.event_id, cells: [event.severity, event.device, <Link key="e" to={`/event/${event.event_id}`}>{event.message}</Link>] }))} />
          </Box>
        ))}
      </Box>
    </Section>
  );
}
