import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, query } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { allows } from "../api/permissions";
import { preStyle, Section, useTask } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { Once, useOnce } from "../common/Once";
import { t } from "../i18n";
import { CreateShowing } from "../resources/CreateShowing";
import type { FormPanel } from "../resources/panels";

const AGENTS = "/ux/log_agent/log_agent_config/";

interface ConfigFile {
  filename: string;
  configuration: string;
  instructions: string;
  token_prefix: string;
}

/** Adds a log agent, and stays to show its configuration while its token is in it. */
export default function NewLogAgent() {
  return (
    <CreateShowing show={(made, open) => (
      <Once testId="agent-config" title={t("logs.agentMade", { name: made.name })} hint={t("logs.agentOnce")} text={String(made.configuration)} filename={String(made.filename)} after={String(made.instructions)}>{open}</Once>
    )} />
  );
}

/** Below a log agent: its configuration as it is now, and a new token for it. */
export function AgentConfig({ record }: FormPanel) {
  const meta = useResourceMeta("log_agent_config");
  const { busy, run } = useTask();
  const [asking, setAsking] = useState(false);
  const id = String(record?.id ?? "");
  const [renewed, setRenewed] = useOnce<ConfigFile>("log_agent_config", id);
  const { data } = useQuery({ queryKey: ["agent-config", id, record?.version], queryFn: ({ signal }) => api<ConfigFile>(`${AGENTS}get_log_agent_config/${query({ id })}`, { signal }), enabled: !!id });
  if (!record || !data) return null;
  const renew = async () => {
    const made = await run(() => api<{ data: ConfigFile }>(`${AGENTS}save_config/`, { method: "POST", body: { id, new_token: true } }));
    if (made) await setRenewed(made.data);
    setAsking(false);
  };
  const name = String(record.name);
  return (
    <Section title={data.filename} testId="agent-file" actions={
      <>
        <Button component="a" href={`${AGENTS}get_log_agent_config/${query({ id, download: true })}`} download={data.filename}>{t("common.saveFile", { name: data.filename })}</Button>
        {allows(meta, "edit") && <Button variant="outlined" disabled={busy} onClick={() => setAsking(true)}>{t("logs.agentNewToken")}</Button>}
      </>
    }>
      {renewed ? <Once testId="agent-config" title={t("logs.agentRenewed", { name })} hint={t("logs.agentOnce")} text={renewed.configuration} filename={renewed.filename} after={renewed.instructions} /> : (
        <>
          <Alert severity="info" sx={{ mb: 1 }}>{t("logs.agentPlace", { prefix: data.token_prefix })}</Alert>
          <Box component="pre" sx={{ ...preStyle, maxHeight: 420, overflow: "auto" }}>{data.configuration}</Box>
          <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{data.instructions}</Typography>
        </>
      )}
      {asking && <ConfirmDialog title={t("logs.agentConfirm", { name })} hint={t("logs.agentConfirmHint")} action={t("logs.agentNewToken")} danger onClose={() => setAsking(false)} onConfirm={renew} />}
    </Section>
  );
}
