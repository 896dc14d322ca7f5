import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { api, messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { allows } from "../api/permissions";
import { Section } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { useOnce } from "../common/Once";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";
import { Token } from "./Token";

/** Below a collector: a new token for it, and the command that it goes into. */
export function Enrolment({ record }: FormPanel) {
  const meta = useMetadata().byName.get("collector");
  const [asking, setAsking] = useState(false);
  const [command, setCommand] = useOnce<string>("collector", String(record?.id ?? ""));
  const [failure, setFailure] = useState<string>();
  if (!record || !meta || !allows(meta, "edit")) return null;
  const name = String(record.name);
  const renew = async () => {
    setFailure(undefined);
    try {
      await setCommand((await api<{ data: { command: string } }>(`${meta.path}${encodeURIComponent(String(record.id))}/new_token/`, { method: "POST" })).data.command);
    } catch (error) {
      setFailure(messageOf(error));
    }
    setAsking(false);
  };
  return (
    <Section title={t("collectors.install")} testId="collector-install">
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("collectors.installHint")}</Typography>
      {command ? <Token title={t("collectors.renewed", { name })} command={command} /> : <Button variant="outlined" onClick={() => setAsking(true)}>{t("collectors.newToken")}</Button>}
      {failure && <Alert severity="error" sx={{ mt: 1 }}>{failure}</Alert>}
      {asking && <ConfirmDialog title={t("collectors.confirmTitle", { name })} hint={t("collectors.installHint")} action={t("collectors.newToken")} danger onClose={() => setAsking(false)} onConfirm={renew} />}
    </Section>
  );
}
