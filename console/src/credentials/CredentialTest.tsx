import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useWatch } from "react-hook-form";
import { api, ApiError, messageOf } from "../api/http";
import { Facts, Section } from "../common/blocks";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

interface Answer {
  ok: boolean;
  msg: string;
  address: string;
  milliseconds: number;
  system: Record<string, string>;
  /** The key of an SSH server that nobody has accepted yet. */
  host_key: string;
  /** Another key than the one it shows is trusted for this port. */
  known_key: string;
  port: number;
}

/** The objects of the system group by the names that their MIB gives them. */
const SYSTEM: Record<string, string> = { os: "OS", sys_descr: "sysDescr", sys_object_id: "sysObjectID", sys_up_time: "sysUpTime", sys_name: "sysName", sys_location: "sysLocation" };
const capital = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
const WEB = ["http", "https"];

/** Asks a device with the values of the form as they stand, before they are saved. */
export function CredentialTest({ record, draft }: FormPanel) {
  const kind = String(useWatch({ name: "kind" }) ?? "");
  const [address, setAddress] = useState("");
  const [path, setPath] = useState("/");
  const [answer, setAnswer] = useState<Answer>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const ask = async (hostKey = "") => {
    setBusy(true);
    setFailure(undefined);
    setAnswer(undefined);
    try {
      setAnswer(await api<Answer>("/api/credentials/test/", { method: "POST", body: { ...draft(), id: record ? String(record.id) : "", address, ...(WEB.includes(kind) ? { path } : {}), ...(hostKey ? { host_key: hostKey } : {}) } }));
    } catch (error) {
      const fields = error instanceof ApiError ? Object.values(error.fields).flat() : [];
      setFailure(fields.length > 0 ? fields.join(" ") : messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const forget = async (port: number) => {
    setBusy(true);
    try {
      await api("/api/ssh-host-keys/forget/", { method: "POST", body: { address: answer?.address, port } });
      await ask();
    } catch (error) {
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  const decide = (on: Answer) => {
    if (!on.host_key) return undefined;
    const [label, act] = on.known_key ? ["credentials.forget", () => void forget(on.port)] as const : ["credentials.accept", () => void ask(on.host_key)] as const;
    return <Button color="inherit" disabled={busy} onClick={act} sx={{ whiteSpace: "nowrap" }}>{t(label)}</Button>;
  };
  return (
    <Section title={t("credentials.test")} testId="credential-test">
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "flex-start", mt: 1 }}>
        <TextField label={t("credentials.address")} helperText={t("credentials.hint")} value={address} onChange={(event) => setAddress(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); void ask(); } }} sx={{ width: 380 }} />
        {WEB.includes(kind) && <TextField label={t("credentials.path")} helperText={t("credentials.pathHint")} value={path} onChange={(event) => setPath(event.target.value)} sx={{ width: 220 }} />}
        <Button variant="outlined" disabled={busy || address.trim() === ""} onClick={() => void ask()}>{t(busy ? "credentials.asking" : "credentials.ask")}</Button>
      </Box>
      {failure && <Alert severity="error" sx={{ mt: 1 }}>{failure}</Alert>}
      {answer && (
        <Alert severity={answer.ok ? "success" : answer.host_key && !answer.known_key ? "warning" : "error"} sx={{ mt: 1 }} data-testid="credential-answer" action={decide(answer)}>
          {answer.msg}{answer.ok && ` ${t("credentials.took", { ms: Math.round(answer.milliseconds) })}`}
          {answer.ok && <Facts facts={Object.entries(answer.system).map(([name, text]): [string, string] => [SYSTEM[name] ?? capital(name.replace(/_/g, " ")), text])} />}
        </Alert>
      )}
    </Section>
  );
}
