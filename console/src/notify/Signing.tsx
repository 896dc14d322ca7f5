import Button from "@mui/material/Button";
import { useState } from "react";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { allows } from "../api/permissions";
import { Section, useTask } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { Once, useOnce } from "../common/Once";
import { t } from "../i18n";
import { CreateShowing } from "../resources/CreateShowing";
import type { FormPanel } from "../resources/panels";
import { ChannelTest } from "./ChannelTest";

const CHANNELS = "/api/notification-channels/";

/** Adds a channel; of one that signs, the secret is shown this once. */
export default function NewChannel() {
  return (
    <CreateShowing show={(made, open) => (typeof made.signing_secret === "string" && made.signing_secret
      ? <Once testId="signing-secret" title={t("notify.channelMade", { name: made.name })} hint={t("notify.secretOnce")} text={made.signing_secret}>{open}</Once>
      : undefined)} />
  );
}

function SigningSecret({ record }: FormPanel) {
  const meta = useResourceMeta("notification_channel");
  const { run } = useTask();
  const [asking, setAsking] = useState(false);
  const [secret, setSecret] = useOnce<string>("notification_channel", String(record?.id ?? ""));
  if (!record || record.kind !== "api" || !allows(meta, "edit")) return null;
  const rotate = async () => {
    const made = await run(() => api<{ signing_secret: string }>(`${CHANNELS}${String(record.id)}/rotate-secret/`, { method: "POST", body: {} }));
    if (made) await setSecret(made.signing_secret);
    setAsking(false);
  };
  return (
    <Section title={t("notify.secret")} testId="rotate-secret">
      {secret
        ? <Once testId="signing-secret" title={t("notify.secretNew")} hint={t("notify.secretOnce")} text={secret} />
        : <Button variant="outlined" onClick={() => setAsking(true)}>{t("notify.rotate")}</Button>}
      {asking && <ConfirmDialog title={t("notify.rotateTitle")} hint={t("notify.rotateHint")} action={t("notify.rotate")} danger onClose={() => setAsking(false)} onConfirm={rotate} />}
    </Section>
  );
}

/** Below a channel: a message to try it with, and its signing secret. */
export function ChannelPanels(panel: FormPanel) {
  return <><ChannelTest {...panel} /><SigningSecret {...panel} /></>;
}
