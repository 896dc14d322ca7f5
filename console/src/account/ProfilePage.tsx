import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import MenuItem from "@mui/material/MenuItem";
import Paper from "@mui/material/Paper";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useNotify } from "react-admin";
import { ApiError, api, messageOf } from "../api/http";
import { savePreferences } from "../api/pageConfig";
import { toUpload } from "../api/files";
import { pictureOf, useSession } from "../api/session";
import { THEMES } from "../app/AccountMenu";
import { useThemeMode } from "../app/ThemeRoot";
import { relativeTime } from "../common/format";
import { DropZone } from "../common/DropZone";
import { useTitle } from "../common/hooks";
import { PersonAvatar } from "../common/PersonAvatar";
import { t } from "../i18n";
import { MyNotifications } from "../notify/MyNotifications";
import { deviceName } from "./device";
import { NewPassword } from "./NewPassword";
import { asPicture } from "./picture";

const PICTURE = "/ux/common/user/profile/picture/";

export function Section({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <Paper component="section" variant="outlined" aria-label={title} sx={{ p: 2, display: "grid", gap: 1.5, alignContent: "start" }}>
      <Typography variant="h2">{title}</Typography>
      {hint && <Typography color="text.secondary">{hint}</Typography>}
      {children}
    </Paper>
  );
}

function Facts() {
  const { user } = useSession();
  const facts: [string, string][] = [
    [t("account.username"), user.username],
    [t("account.email"), user.email],
    [t("account.organization"), user.organization_name],
    [t("account.timezone"), user.timezone ?? ""],
    [t("account.roles"), (user.roles ?? []).map((role) => role.name).join(", ") || (user.role ?? "")],
  ];
  return (
    <Section title={user.full_name}>
      <Picture />
      <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "110px 1fr", rowGap: 0.5, "& dt": { color: "text.secondary" }, "& dd": { m: 0, overflowWrap: "anywhere" } }}>
        {facts.filter(([, value]) => value).map(([label, value]) => <Box key={label} sx={{ display: "contents" }}><dt>{label}</dt><dd>{value}</dd></Box>)}
      </Box>
    </Section>
  );
}

function Picture() {
  const { user, refresh } = useSession();
  const notify = useNotify();
  const picture = pictureOf(user);
  const { mutate, isPending } = useMutation({
    mutationFn: async (file: File | undefined) =>
      file ? api(PICTURE, { method: "POST", body: await toUpload(await asPicture(file)) }) : api(PICTURE, { method: "DELETE" }),
    onSuccess: () => refresh(),
    onError: (error) => notify(messageOf(error), { type: "error" }),
  });
  return (
    <DropZone accept="image/png,image/jpeg,image/gif,image/webp" multiple={false} disabled={isPending} inputLabel={t("account.choosePicture")} onFiles={([file]) => mutate(file)}>
      {(choose) => (
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1.5 }}>
          <PersonAvatar name={user.full_name} picture={picture} size={72} />
          <Button variant="outlined" disabled={isPending} onClick={choose}>{t("account.choosePicture")}</Button>
          {picture && <Button color="inherit" disabled={isPending} onClick={() => mutate(undefined)}>{t("account.removePicture")}</Button>}
        </Box>
      )}
    </DropZone>
  );
}

function Preferences() {
  const { user, refresh } = useSession();
  const { mode, setMode } = useThemeMode();
  const notify = useNotify();
  const perPage = Number(user.preferences?.rows_per_page ?? 50);
  const save = async (preferences: Record<string, unknown>) => {
    try {
      await savePreferences(preferences);
      await refresh();
      notify(t("common.saved"), { type: "success" });
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  return (
    <Section title={t("account.preferences")}>
      <TextField select label={t("shell.theme")} value={mode} onChange={(event) => { setMode(event.target.value as typeof mode); void save({ theme: event.target.value }); }}>
        {THEMES.map((theme) => <MenuItem key={theme.mode} value={theme.mode}>{t(theme.label)}</MenuItem>)}
      </TextField>
      <TextField select label={t("account.rowsPerPage")} value={perPage} onChange={(event) => void save({ rows_per_page: Number(event.target.value) })}>
        {[25, 50, 100].map((size) => <MenuItem key={size} value={size}>{size}</MenuItem>)}
      </TextField>
    </Section>
  );
}

function Password() {
  const notify = useNotify();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState({ value: "", repeat: "" });
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => api("/api/session/password", { method: "POST", body: { current_password: current, new_password: next.value } }),
    onSuccess: () => {
      setCurrent("");
      setNext({ value: "", repeat: "" });
      notify(t("account.passwordChanged"), { type: "success" });
    },
  });
  const fieldError = error instanceof ApiError ? error.fields.new_password?.[0] : undefined;
  return (
    <Section title={t("account.changePassword")}>
      <Box component="form" noValidate onSubmit={(event) => { event.preventDefault(); mutate(); }} sx={{ display: "grid", gap: 1.5 }}>
        {error && !fieldError && <Alert severity="error">{messageOf(error)}</Alert>}
        <TextField label={t("account.currentPassword")} type="password" autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.target.value)} />
        <NewPassword value={next.value} repeat={next.repeat} error={fieldError} onChange={(value, repeat) => setNext({ value, repeat })} />
        <Button type="submit" variant="contained" disabled={isPending || !current || !next.value || next.value !== next.repeat} sx={{ justifySelf: "start" }}>
          {t("account.changePassword")}
        </Button>
      </Box>
    </Section>
  );
}

interface SessionInfo {
  id: string;
  created: string;
  last_seen: string;
  ip: string | null;
  user_agent: string | null;
  current: boolean;
  kind?: string;
}

function Sessions() {
  const client = useQueryClient();
  const notify = useNotify();
  const { data } = useQuery({ queryKey: ["sessions"], queryFn: () => api<{ results: SessionInfo[] }>("/api/sessions") });
  const { mutate } = useMutation({
    mutationFn: (id: string) => api(`/api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" }),
    onSuccess: () => {
      notify(t("account.signedOut"), { type: "success" });
      void client.invalidateQueries({ queryKey: ["sessions"] });
    },
    onError: (error) => notify(messageOf(error), { type: "error" }),
  });
  return (
    <Section title={t("account.sessions")} hint={t("account.sessionsHint")}>
      {(data?.results ?? []).map((session) => (
        <Box key={session.id} sx={{ display: "flex", alignItems: "center", gap: 1, borderTop: 1, borderColor: "divider", pt: 1 }}>
          <Box sx={{ flex: 1, minWidth: 0 }}>
            <Box>{deviceName(session.user_agent) || session.kind} {session.current && <Chip label={t("account.thisSession")} color="primary" variant="outlined" />}</Box>
            <Typography variant="body2" color="text.secondary">{session.ip} · {t("account.lastSeen", { when: relativeTime(session.last_seen) })}</Typography>
          </Box>
          {!session.current && <Button variant="outlined" onClick={() => mutate(session.id)}>{t("account.signOutSession")}</Button>}
        </Box>
      ))}
    </Section>
  );
}

export default function ProfilePage() {
  useTitle(t("account.profile"));
  return (
    <Box sx={{ p: { xs: 1, sm: 2 }, maxWidth: 960 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{t("account.profile")}</Typography>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", md: "1fr 1fr" } }}>
        <Facts />
        <Preferences />
        <Password />
        <Section title={t("notify.mine")} hint={t("notify.mineHint")}><MyNotifications /></Section>
        <Sessions />
      </Box>
    </Box>
  );
}
