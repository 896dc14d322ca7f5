import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router-dom";
import { ApiError, api, messageOf } from "../api/http";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { AuthCard } from "./AuthCard";
import { NewPassword } from "./NewPassword";

export function InvitePage() {
  const [params] = useSearchParams();
  const token = params.get("token") ?? "";
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [next, setNext] = useState({ value: "", repeat: "" });
  const [state, setState] = useState<"form" | "busy" | "done">("form");
  const [error, setError] = useState<unknown>();
  useTitle(t("account.invitation"));

  const submit = async () => {
    setState("busy");
    setError(undefined);
    try {
      await api("/api/invitation/accept", { method: "POST", body: { token, password: next.value, ...(name.trim() ? { full_name: name.trim() } : {}) } });
      setState("done");
    } catch (cause) {
      setError(cause);
      setState("form");
    }
  };

  if (!token || state === "done") {
    return (
      <AuthCard title={t("account.invitation")} onSubmit={() => navigate("/")}>
        <Alert severity={token ? "success" : "warning"}>{token ? t("account.accepted") : t("account.noToken")}</Alert>
        <Button type="submit" variant="contained">{t("account.signIn")}</Button>
      </AuthCard>
    );
  }
  const fieldError = error instanceof ApiError ? (error.fields.password ?? error.fields.new_password)?.[0] : undefined;
  return (
    <AuthCard title={t("account.invitation")} hint={t("account.invitationHint")} onSubmit={() => void submit()}>
      {error !== undefined && !fieldError && <Alert severity="error">{messageOf(error)}</Alert>}
      <TextField label={t("account.fullName")} name="full_name" autoComplete="name" value={name} onChange={(event) => setName(event.target.value)} />
      <NewPassword value={next.value} repeat={next.repeat} error={fieldError} onChange={(value, repeat) => setNext({ value, repeat })} />
      <Button type="submit" variant="contained" size="large" disabled={state === "busy" || !next.value || next.value !== next.repeat}>
        {t("account.accept")}
      </Button>
    </AuthCard>
  );
}
