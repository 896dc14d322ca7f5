import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api, messageOf } from "../api/http";
import { preStyle, Section } from "../common/blocks";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

interface Trial {
  sent: boolean;
  queued: boolean;
  notification_id: string;
  response_status: number | null;
  response: string;
  error: string;
  latency_ms: number;
}

/** Sends one message over the channel as it is saved, and shows what came back. */
export function ChannelTest({ record }: FormPanel) {
  const [recipient, setRecipient] = useState("");
  const [answer, setAnswer] = useState<Trial>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  if (!record) return null;
  const needsRecipient = ["email", "sms", "beep"].includes(String(record.kind));
  const send = async () => {
    setBusy(true);
    setFailure(undefined);
    setAnswer(undefined);
    try {
      setAnswer(await api<Trial>(`/api/notification-channels/${String(record.id)}/test/`, { method: "POST", body: { recipient } }));
    } catch (error) {
      setFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Section title={t("notify.test")} testId="channel-test">
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("notify.testHint")}</Typography>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
        {needsRecipient && <TextField label={t("notify.recipient")} helperText={t("notify.recipientHint")} value={recipient} onChange={(event) => setRecipient(event.target.value)} sx={{ width: 280 }} />}
        <Button variant="outlined" disabled={busy} onClick={() => void send()} sx={{ alignSelf: "flex-start" }}>{t("notify.send")}</Button>
      </Box>
      {failure && <Alert severity="error" sx={{ mt: 1 }}>{failure}</Alert>}
      {answer && (
        <Alert severity={answer.sent ? "success" : answer.queued ? "info" : "error"} sx={{ mt: 1 }} data-testid="channel-answer">
          {answer.sent ? t("notify.sent", { ms: answer.latency_ms }) : answer.queued ? t("notify.queued") : answer.error || t("notify.failed")} <Link to={`/notification/${answer.notification_id}`}>{t("notify.log")}</Link>
          {(answer.response_status || answer.response) && <Box component="pre" sx={{ ...preStyle, mt: 1 }}>{answer.response_status} {answer.response}</Box>}
        </Alert>
      )}
    </Section>
  );
}
