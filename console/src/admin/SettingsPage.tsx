import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { ApiError, api, messageOf } from "../api/http";
import type { Choice, FieldKind } from "../api/types";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { Section } from "../account/ProfilePage";
import { settingValues, shown } from "./settingValues";

interface Setting {
  name: string;
  label: string;
  kind: FieldKind;
  value: unknown;
  default?: unknown;
  help?: string | null;
  choices?: (Choice | string)[] | null;
  section?: string | null;
  read_only?: boolean;
  minimum?: number | null;
  maximum?: number | null;
}

function SettingInput({ setting, value, error, onChange }: { setting: Setting; value: unknown; error?: string; onChange: (value: unknown) => void }) {
  const fallback = setting.default === undefined || setting.default === null || setting.default === "" || setting.kind === "json" || setting.kind === "longtext" ? "" : t("admin.defaultIs", { value: typeof setting.default === "boolean" ? t(setting.default ? "common.yes" : "common.no") : shown(setting.default) });
  const help = error ?? [setting.help, fallback].filter(Boolean).join(" ");
  if (setting.kind === "boolean") {
    return (
      <Box>
        <FormControlLabel label={setting.label} control={<Checkbox checked={!!value} disabled={setting.read_only} onChange={(event) => onChange(event.target.checked)} />} />
        <FormHelperText error={!!error}>{help}</FormHelperText>
      </Box>
    );
  }
  const tree = setting.kind === "json";
  const long = tree || setting.kind === "longtext";
  const choices = setting.choices?.map((choice) => (typeof choice === "object" ? choice : { id: choice, name: choice }));
  const type = setting.kind === "integer" || setting.kind === "number" ? "number" : setting.kind === "secret" ? "password" : setting.kind === "email" ? "email" : "text";
  return (
    <TextField select={!!choices} type={type} label={setting.label} name={setting.name} value={tree ? shown(value) : (value ?? "")} disabled={setting.read_only} error={!!error} helperText={help} multiline={long} minRows={long ? 3 : undefined} maxRows={16}
      slotProps={{ htmlInput: { min: setting.minimum ?? undefined, max: setting.maximum ?? undefined } }}
      onChange={(event) => onChange(event.target.value)}>
      {choices?.map((choice) => <MenuItem key={choice.id} value={choice.id}>{choice.name}</MenuItem>)}
    </TextField>
  );
}

export default function SettingsPage() {
  const client = useQueryClient();
  const notify = useNotify();
  const [changes, setChanges] = useState<Record<string, unknown>>({});
  useTitle(t("admin.settings"));
  const { data, error, refetch } = useQuery({ queryKey: ["settings"], queryFn: ({ signal }) => api<{ settings: Setting[] }>("/api/settings", { signal }) });
  const save = useMutation({
    mutationFn: () => {
      const { values, errors } = settingValues(changes, data?.settings ?? []);
      // Refused here in the shape the server refuses in, so that it is shown at the same place.
      if (Object.keys(errors).length > 0) throw new ApiError(400, { error: Object.values(errors)[0]?.[0], fields: errors });
      return api("/api/settings", { method: "PUT", body: { values } });
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["settings"] });
      setChanges({});
      notify(t("admin.settingsSaved"), { type: "success" });
    },
  });
  if (error instanceof ApiError && error.status === 403) return <Forbidden name={t("admin.settings")} />;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (data.settings.length === 0) return <Message title={t("admin.settingsEmpty")} />;
  const groups = new Map<string, Setting[]>();
  for (const setting of data.settings) {
    const name = setting.section || t("resources.general");
    groups.set(name, [...(groups.get(name) ?? []), setting]);
  }
  const dirty = Object.keys(changes).length > 0;
  const fields = save.error instanceof ApiError ? save.error.fields : {};
  return (
    <Box component="form" aria-label={t("admin.settings")} sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 760, display: "grid", gap: 2 }} onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      <Typography variant="h1">{t("admin.settings")}</Typography>
      {save.error && <Alert severity="error">{messageOf(save.error)}</Alert>}
      {[...groups].map(([name, settings]) => (
        <Section key={name} title={name}>
          {settings.map((setting) => (
            <SettingInput key={setting.name} setting={setting} value={setting.name in changes ? changes[setting.name] : setting.value} error={fields[setting.name]?.[0]} onChange={(value) => setChanges({ ...changes, [setting.name]: value })} />
          ))}
        </Section>
      ))}
      <Box sx={{ display: "flex", gap: 1, position: "sticky", bottom: 0, py: 1.25, bgcolor: "background.default", borderTop: 1, borderColor: "divider" }}>
        <Button type="submit" variant="contained" disabled={!dirty || save.isPending}>{t("common.save")}</Button>
        <Button disabled={!dirty} onClick={() => setChanges({})}>{t("common.cancel")}</Button>
      </Box>
    </Box>
  );
}
