import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { ApiError, api, messageOf, query } from "../api/http";
import { useMetadata } from "../api/metadata";
import { allows } from "../api/permissions";
import { referenceId } from "../api/records";
import type { ChoiceId, ListEnvelope, ResourceMeta } from "../api/types";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { ConfirmDialog, DialogFrame } from "../common/dialogs";
import { dateTime, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { keysMeta, rolesMeta } from "../app/pages";
import { t } from "../i18n";
import { tableSx } from "../imports/ErrorTable";
import { ReferencePicker } from "../resources/ReferencePicker";
import { keyState, type ApiKeyRow } from "./keyState";

function CreateKeyDialog({ meta, onClose, onCreated }: { meta: ResourceMeta; onClose: () => void; onCreated: (name: string, key: string) => void }) {
  const { byName } = useMetadata();
  const [name, setName] = useState("");
  const [role, setRole] = useState<ChoiceId | null>(null);
  const [expires, setExpires] = useState("");
  const roles = rolesMeta(byName);
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => api<{ data: { key: string } }>(meta.path, {
      method: "POST",
      // The key holds until the end of the chosen day, here where it is chosen.
      body: { name: name.trim(), ...(role !== null ? { role } : {}), ...(expires ? { expires_at: new Date(`${expires}T23:59:59`).toISOString() } : {}) },
    }),
    onSuccess: (answer) => onCreated(name.trim(), answer.data.key),
  });
  const fields = error instanceof ApiError ? error.fields : {};
  return (
    <DialogFrame title={t("admin.newKey")} onClose={onClose}>
      <Box component="form" sx={{ display: "grid", gap: 2, pt: 1 }} onSubmit={(event) => { event.preventDefault(); mutate(); }}>
        {error && <Alert severity="error">{messageOf(error)}</Alert>}
        <TextField autoFocus required label={t("admin.keyName")} value={name} onChange={(event) => setName(event.target.value)} error={!!fields.name} helperText={fields.name?.[0]} />
        {roles && <ReferencePicker label={t("admin.keyRole")} target={roles} value={role} onChange={setRole} error={fields.role?.[0]} />}
        <TextField type="date" label={t("admin.keyExpires")} value={expires} onChange={(event) => setExpires(event.target.value)} slotProps={{ inputLabel: { shrink: true } }} error={!!fields.expires_at} helperText={fields.expires_at?.[0] ?? t("admin.keyNever")} />
        <Box sx={{ display: "flex", gap: 1, justifyContent: "flex-end" }}>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" variant="contained" disabled={isPending || !name.trim()}>{t("common.create")}</Button>
        </Box>
      </Box>
    </DialogFrame>
  );
}

export default function ApiKeysPage() {
  const { byName } = useMetadata();
  const meta = keysMeta(byName);
  useTitle(t("admin.keys"));
  return meta ? <Keys meta={meta} /> : <Forbidden name={t("admin.keys")} />;
}

function Keys({ meta }: { meta: ResourceMeta }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [creating, setCreating] = useState(false);
  const [shown, setShown] = useState<{ name: string; key: string }>();
  const [revoking, setRevoking] = useState<ApiKeyRow>();
  const key = [meta.name, "getList", "page"];
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => api<ListEnvelope<ApiKeyRow>>(`${meta.path}${query({ items_per_page: 100 })}`, { signal }) });
  const reload = () => client.invalidateQueries({ queryKey: key });
  const revoke = async (row: ApiKeyRow) => {
    try {
      await api(`${meta.path}${encodeURIComponent(row.id)}/revoke/`, { method: "POST" });
      notify(t("admin.keyRevokedNotice"), { type: "success" });
    } catch (cause) {
      notify(messageOf(cause), { type: "error" });
    }
    setRevoking(undefined);
    void reload();
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(shown?.key ?? "");
      notify(t("common.copied"), { type: "success" });
    } catch {
      // The clipboard is closed on plain HTTP: the key stays on screen to be selected by hand.
      document.getElementById("new-key")?.focus();
    }
  };
  const now = new Date();
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 1100, display: "grid", gap: 2 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Box sx={{ flex: 1, minWidth: 240 }}>
          <Typography variant="h1">{t("admin.keys")}</Typography>
          <Typography color="text.secondary">{t("admin.keysHint")}</Typography>
        </Box>
        {allows(meta, "add") && <Button variant="contained" onClick={() => setCreating(true)}>{t("admin.newKey")}</Button>}
      </Box>
      {shown && (
        <Alert severity="success" data-testid="new-key" onClose={() => setShown(undefined)}>
          <strong>{t("admin.keyCreated", { name: shown.name })}</strong>
          <Box sx={{ my: 1 }}>{t("admin.keyOnce")}</Box>
          <Box sx={{ display: "flex", gap: 1, alignItems: "center", flexWrap: "wrap" }}>
            <Box component="code" id="new-key" tabIndex={0} sx={{ p: 0.75, border: 1, borderColor: "divider", borderRadius: 1, overflowWrap: "anywhere", userSelect: "all", bgcolor: "background.paper", color: "text.primary" }}>{shown.key}</Box>
            <Button variant="outlined" onClick={() => void copy()}>{t("common.copy")}</Button>
          </Box>
        </Alert>
      )}
      {error && !data ? <Failure error={error} onRetry={() => void refetch()} /> : !data ? <Waiting /> : data.results.length === 0 ? <Message title={t("admin.keysEmpty")} /> : (
        <Box sx={tableSx}>
          <table aria-label={t("admin.keys")}>
            <thead><tr>{(["keyName", "keyPrefix", "keyRole", "keyExpires", "keyLastUsed", "keyState"] as const).map((name) => <th key={name} scope="col">{t(`admin.${name}`)}</th>)}<th /></tr></thead>
            <tbody>
              {data.results.map((row) => {
                const state = keyState(row, now);
                return (
                  <tr key={row.id}>
                    <td>{row.name}</td>
                    <td><code>{row.prefix}…</code></td>
                    <td>{row.role_name ?? String(referenceId(row.role) ?? "")}</td>
                    <td>{row.expires_at ? dateTime(row.expires_at) : t("admin.keyNever")}</td>
                    <td>{row.last_used_at ? relativeTime(row.last_used_at) : t("admin.keyUnused")}</td>
                    <td><Chip variant="outlined" color={state === "keyActive" ? "success" : "default"} label={t(`admin.${state}`)} /></td>
                    <td>{state !== "keyRevoked" && (allows(meta, "edit") || allows(meta, "delete")) && <Button color="error" onClick={() => setRevoking(row)}>{t("admin.keyRevoke")}</Button>}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Box>
      )}
      {creating && <CreateKeyDialog meta={meta} onClose={() => setCreating(false)} onCreated={(name, created) => { setCreating(false); setShown({ name, key: created }); void reload(); }} />}
      {revoking && <ConfirmDialog title={t("admin.keyRevokeTitle", { name: revoking.name })} hint={t("admin.keyRevokeHint")} action={t("admin.keyRevoke")} danger onClose={() => setRevoking(undefined)} onConfirm={() => revoke(revoking)} />}
    </Box>
  );
}
