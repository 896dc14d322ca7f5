import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useEffect, useState } from "react";
import { ApiError, messageOf } from "../api/http";
import { signIn } from "../api/session";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { AuthCard } from "./AuthCard";
import { waitText } from "./policy";

export function LoginPage({ ended, onDone }: { ended: boolean; onDone: () => Promise<void> }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [lockedUntil, setLockedUntil] = useState(0);
  const [now, setNow] = useState(() => Date.now());
  useTitle(t("account.signIn"));

  const left = Math.max(0, (lockedUntil - now) / 1000);
  useEffect(() => {
    if (lockedUntil <= Date.now()) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [lockedUntil, left === 0]);

  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await signIn(username, password);
      await onDone();
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 429 && cause.retryAfter) {
        setNow(Date.now());
        setLockedUntil(Date.now() + cause.retryAfter * 1000);
      } else setError(messageOf(cause));
      setBusy(false);
      return;
    }
    setBusy(false);
  };

  const message = left > 0 ? t("account.locked", { wait: waitText(left) }) : error;
  return (
    <AuthCard title={t("account.signInTo")} label={t("account.signIn")} onSubmit={() => void submit()}>
      {ended && !message && <Alert severity="info">{t("account.sessionEnded")}</Alert>}
      {message && <Alert severity="error" data-testid="login-error">{message}</Alert>}
      <TextField label={t("account.username")} name="username" autoComplete="username" autoFocus required
        value={username} onChange={(event) => setUsername(event.target.value)} slotProps={{ htmlInput: { autoCapitalize: "none" } }} />
      <TextField label={t("account.password")} name="password" type="password" autoComplete="current-password" required
        value={password} onChange={(event) => setPassword(event.target.value)} />
      <Button type="submit" variant="contained" size="large" disabled={busy || left > 0}>
        {busy ? t("account.signingIn") : t("account.signIn")}
      </Button>
    </AuthCard>
  );
}
