import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { ApiError, api, messageOf } from "../api/http";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { AuthCard } from "./AuthCard";
import { NewPassword } from "./NewPassword";

export function ForcedPasswordPage({ onDone }: { onDone: () => Promise<void> }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState({ value: "", repeat: "" });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useTitle(t("account.changeFirst"));

  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await api("/api/session/password", { method: "POST", body: { current_password: current, new_password: next.value } });
      await onDone();
    } catch (cause) {
      setError(cause);
    }
    setBusy(false);
  };

  const fieldError = error instanceof ApiError ? error.fields.new_password?.[0] : undefined;
  return (
    <AuthCard title={t("account.changeFirst")} hint={t("account.changeFirstHint")} onSubmit={() => void submit()}>
      {error !== undefined && !fieldError && <Alert severity="error">{messageOf(error)}</Alert>}
      <TextField label={t("account.currentPassword")} type="password" name="current_password" autoComplete="current-password" autoFocus required
        value={current} onChange={(event) => setCurrent(event.target.value)} />
      <NewPassword value={next.value} repeat={next.repeat} error={fieldError} onChange={(value, repeat) => setNext({ value, repeat })} />
      <Button type="submit" variant="contained" size="large" disabled={busy || !current || !next.value || next.value !== next.repeat}>
        {t("account.changePassword")}
      </Button>
    </AuthCard>
  );
}
