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
import { allows } from "../api/permissions";
import { useResourceMeta } from "../api/metadata";
import { ConfirmDialog } from "../common/dialogs";
import { runVerb, type RunResult } from "./api";
import { instanceOf, SET_TYPES, verbFor } from "./model";

const VERBS = ["get", "get_next", "get_bulk", "walk"];
const SET = "set";

/** Asks a device for the object that is looked at, or sets it. */
export function RunPanel({ oid, kind, name, writable }: { oid: string; kind: string; name: string; writable: boolean }) {
  const meta = useResourceMeta("mib");
  const [address, setAddress] = useStore("mibs.address", "");
  const [credential, setCredential] = useStore("mibs.credential", "");
  const [verb, setVerb] = useState<string>(verbFor(kind));
  const [answer, setAnswer] = useState<RunResult>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [instance, setInstance] = useState(() => instanceOf(oid, kind));
  const [value, setValue] = useState("");
  const [type, setType] = useState("");
  const [asking, setAsking] = useState(false);
  const setting = verb === SET;
  const verbs = writable && allows(meta, "edit") ? [...VERBS, SET] : VERBS;
  const { data: credentials } = useQuery({ queryKey: ["credentials", "snmp"], queryFn: ({ signal }) => api<ListEnvelope<{ id: string; name: string; kind: unknown }>>("/api/credentials/?items_per_page=200", { signal }), retry: false });
  const known = credentials?.results ?? [];
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      setAnswer(await runVerb({ address: address.trim(), verb, oids: [setting ? instance.trim() : oid], credential, limit: 1000, ...(setting ? { value, type } : {}) }));
    } catch (error) {
      setAnswer(undefined);
      setFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      <Box component="form" onSubmit={(event) => { event.preventDefault(); if (setting) setAsking(true); else void run(); }} sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
        <TextField required label={t("mibs.address")} value={address} onChange={(event) => setAddress(event.target.value)} sx={{ width: 170 }} />
        <TextField select label={t("mibs.verb")} value={verb} onChange={(event) => setVerb(event.target.value)} sx={{ width: 110 }}>{verbs.map((item) => <MenuItem key={item} value={item}>{item}</MenuItem>)}</TextField>
        <TextField select label={t("mibs.credential")} value={known.some((item) => item.id === credential) ? credential : ""} onChange={(event) => setCredential(event.target.value)} sx={{ width: 210 }} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
          <MenuItem value="">{t("mibs.credentialAny")}</MenuItem>
          {known.map((item) => <MenuItem key={item.id} value={item.id}>{item.name}</MenuItem>)}
        </TextField>
        {setting && (
          <>
            <TextField required label={t("mibs.instance")} helperText={t("mibs.instanceHint")} value={instance} onChange={(event) => setInstance(event.target.value)} sx={{ width: 230 }} />
            <TextField required label={t("mibs.newValue")} value={value} onChange={(event) => setValue(event.target.value)} sx={{ width: 170 }} />
            <TextField select label={t("mibs.valueType")} value={type} onChange={(event) => setType(event.target.value)} sx={{ width: 150 }} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
              <MenuItem value="">{t("mibs.valueTypeMib")}</MenuItem>
              {SET_TYPES.map((item) => <MenuItem key={item} value={item}>{item}</MenuItem>)}
            </TextField>
          </>
        )}
        <Button type="submit" variant="outlined" disabled={busy || !address.trim() || (setting && !instance.trim())} sx={{ alignSelf: "flex-start" }}>{setting ? t("mibs.set") : t("mibs.run")}</Button>
      </Box>
      {asking && <ConfirmDialog title={t("mibs.setConfirm", { name, address: address.trim(), value })} action={t("mibs.set")} danger onClose={() => setAsking(false)} onConfirm={async () => { setAsking(false); await run(); }} />}
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
