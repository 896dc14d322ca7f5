import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { api, messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { toLocalInput } from "../api/records";
import { t } from "../i18n";

interface Mine {
  subscriptions: { id: string; name: string; about: string; kinds: string[]; mandatory: boolean; subscribed: boolean }[];
  kinds_off: string[];
  muted_until: string | null;
}

const URL = "/api/my-notifications/";

/** What one person wants to hear, and how. */
export function MyNotifications() {
  const { byName } = useMetadata();
  const client = useQueryClient();
  const notify = useNotify();
  const key = ["my-notifications"];
  const { data } = useQuery({ queryKey: key, queryFn: ({ signal }) => api<Mine>(URL, { signal }), retry: false });
  const { mutate, isPending } = useMutation({
    mutationFn: (body: Record<string, unknown>) => api<Mine>(URL, { method: "PUT", body }),
    onSuccess: (answer) => { client.setQueryData(key, answer); notify(t("notify.saved"), { type: "success" }); },
    onError: (error) => notify(messageOf(error), { type: "error" }),
  });
  if (!data) return null;
  const names = new Map((byName.get("notification_channel")?.fields.find((field) => field.name === "kind")?.choices ?? []).map((choice) => [String(choice.id), choice.name]));
  const kinds = [...new Set([...data.subscriptions.flatMap((item) => item.kinds), ...data.kinds_off])].sort();
  return (
    <>
      {data.subscriptions.length === 0 && <Typography color="text.secondary">{t("notify.none")}</Typography>}
      {data.subscriptions.map((item) => (
        <FormControlLabel key={item.id} label={`${item.name} (${item.kinds.map((kind) => names.get(kind) ?? kind).join(", ")})${item.mandatory ? ` · ${t("notify.mandatory")}` : ""}`}
          control={<Checkbox checked={item.subscribed} disabled={item.mandatory || isPending} onChange={(event) => mutate({ subscriptions: { [item.id]: event.target.checked } })} />} />
      ))}
      {kinds.length > 0 && (
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1 }}>
          <Typography>{t("notify.kindsOff")}</Typography>
          {kinds.map((kind) => (
            <FormControlLabel key={kind} label={names.get(kind) ?? kind} control={<Checkbox checked={data.kinds_off.includes(kind)} disabled={isPending} onChange={(event) => mutate({ kinds_off: event.target.checked ? [...data.kinds_off, kind] : data.kinds_off.filter((item) => item !== kind) })} />} />
          ))}
        </Box>
      )}
      <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
        <TextField type="datetime-local" label={t("notify.muted")} value={data.muted_until ? toLocalInput(data.muted_until) : ""} disabled={isPending} slotProps={{ inputLabel: { shrink: true } }}
          onChange={(event) => event.target.value && mutate({ muted_until: new Date(event.target.value).toISOString() })} />
        {data.muted_until && <Button onClick={() => mutate({ muted_until: null })}>{t("notify.unmute")}</Button>}
      </Box>
    </>
  );
}
