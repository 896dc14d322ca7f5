import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import Alert from "@mui/material/Alert";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useStore } from "react-admin";
import { api, messageOf } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { PlainTable } from "../common/blocks";
import { t } from "../i18n";
import { runVerb, type RunResult } from "./api";
import { verbFor } from "./model";

const VERBS = ["get", "get_next", "get_bulk", "walk"];

/** Asks a device for the object that is looked at. */
export function RunPanel({ oid, kind }: { oid: string; kind: string }) {
  const [address, setAddress] = useStore("mibs.address", "");
  const [credential, setCredential] = useStore("mibs.credential", "");
  const [verb, setVerb] = useState<string>(verbFor(kind));
  const [answer, setAnswer] = useState<RunResult>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { data: credentials } = useQuery({ queryKey: ["credentials", "snmp"], queryFn: ({ signal }) => api<ListEnvelope<{ id: string; name: string; kind: unknown }>>("/api/credentials/?items_per_page=200", { signal }), retry: false });
  const known = credentials?.results ?? [];
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      setAnswer(await runVerb({ address: address.trim(), verb, oids: [oid], credential, limit: 1000 }));
    } catch (error) {
      setAnswer(undefined);
      setFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      <Box component="form" onSubmit={(event) => { event.preventDefault(); void run(); }} sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
        <TextField required label={t("mibs.address")} value={address} onChange={(event) => setAddress(event.target.value)} sx={{ width: 170 }} />
        <TextField select label={t("mibs.verb")} value={verb} onChange={(event) => setVerb(event.target.value)} sx={{ width: 110 }}>{VERBS.map((name) => <MenuItem key={name} value={name}>{name}</MenuItem>)}</TextField>
        <TextField select label={t("mibs.credential")} value={known.some((item) => item.id === credential) ? credential : ""} onChange={(event) => setCredential(event.target.value)} sx={{ width: 210 }} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
          <MenuItem value="">{t("mibs.credentialAny")}</MenuItem>
          {known.map((item) => <MenuItem key={item.id} value={item.id}>{item.name}</MenuItem>)}
        </TextField>
        <Button type="submit" variant="outlined" disabled={busy || !address.trim()}>{t("mibs.run")}</Button>
      </Box>
      {failure && <Alert severity="error">{failure}</Alert>}
      {answer && (
        <Box>
          <Typography variant="body2" color="text.secondary">{t("mibs.answered", { count: answer.count, ms: Math.round(answer.milliseconds) })} {answer.truncated && t("mibs.truncated")}</Typography>
          {answer.count === 0 ? <Typography>{t("mibs.empty")}</Typography> : (
            <Box sx={{ maxHeight: 360, overflow: "auto" }}>
              <PlainTable label={t("mibs.ask")} testId="run-results" head={[t("mibs.name"), t("mibs.value"), t("mibs.syntax")]} rows={answer.results.map((item) => ({ key: item.oid, cells: [<span key="n" title={item.oid}>{item.name}</span>, item.value, item.type] }))} />
            </Box>
          )}
        </Box>
      )}
    </Box>
  );
}
