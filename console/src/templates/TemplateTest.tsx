import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useFormContext } from "react-hook-form";
import { Link } from "react-router-dom";
import { api, query } from "../api/http";
import { useMetadata } from "../api/metadata";
import type { ChoiceId, ListEnvelope } from "../api/types";
import { PlainTable, Section } from "../common/blocks";
import { count } from "../common/format";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";
import { ReferencePicker } from "../resources/ReferencePicker";
import { countItems, tryTemplate, type Known, type Tried } from "./api";
import { measure, reason, verdict, type Measurement } from "./ask";
import { measurable, mismatch, readStatistics, scaled, writeStatistics, type Draft } from "./model";

/** As many rows as the server shows of a table. */
const SHOWN = 20;
const COLOURS = { fits: "success", fitsNot: "warning", fitsNothing: "info" } as const;

function outcome(fits: boolean | null) {
  if (fits === null) return <Box component="span" sx={{ color: "text.secondary" }}>{t("templates.unused")}</Box>;
  return <Box component="span" sx={{ color: fits ? "success.main" : "warning.main" }}>{t(fits ? "templates.fitting" : "templates.notFitting")}</Box>;
}

const PARTS = ["vendor", "type", "os", "version", "model", "serial"] as const;

function Identity({ answer, items, draft }: { answer: Tried; items?: Known; draft: Record<string, unknown> }) {
  const found = verdict(answer);
  const none = <Box component="span" sx={{ color: "text.secondary" }}>{t("templates.unknown")}</Box>;
  const without = (name: (typeof PARTS)[number]) => (answer.identity[name] === answer.without[name] ? "" : <Box key={name} component="span" sx={{ color: "text.secondary" }}>{answer.without[name] || t("templates.unknown")}</Box>);
  const note = (name: (typeof PARTS)[number]) => (name === "version" && draft.version_expression && found === "fits" && !answer.version_found ? t("templates.versionNone") : without(name));
  return (
    <>
      <Alert severity={COLOURS[found]} data-testid="template-verdict">
        {t(`templates.${found}`, { address: answer.address })}
        {found === "fits" && answer.decided_by !== "this" && ` ${t(`templates.decided.${answer.decided_by}`, { name: answer.template_name })}`}
      </Alert>
      <PlainTable label={t("templates.says")} testId="template-says" head={[t("templates.object"), t("templates.value"), t("templates.outcome")]} rows={[
        { key: "number", cells: [t("templates.sysobjectid"), answer.sys_object_id, outcome(answer.number_fits)] },
        { key: "descr", cells: [t("templates.descrObject"), answer.sys_descr, outcome(answer.descr_fits)] },
      ]} />
      {items && (
        <Typography variant="body2" color="text.secondary">
          {items.count === 0 ? t("templates.known.zero") : t("templates.known.items", { count: count(items.count) })}
          {items.items.slice(0, 5).map((item) => <span key={item.id}> · <Link to={`/ci/${item.id}`}>{item.name}</Link></span>)}
        </Typography>
      )}
      <PlainTable label={t("templates.identified")} testId="template-identity" head={[t("templates.identified"), "", t("templates.without")]} rows={PARTS.map((name) => ({
        key: name, cells: [t(`templates.${name}`), answer.identity[name] || none, note(name)],
      }))} />
      {answer.problems.map((problem) => <Typography key={problem} variant="body2" color="text.secondary">{problem}</Typography>)}
    </>
  );
}

function measuredRows(one: Measurement, onFix: (one: Measurement, fix: Partial<Draft>) => void) {
  const { statistic, found, error } = one;
  const key = String(one.place);
  if (!statistic || !found) return [{ key, cells: [one.name, "", "", <Box key="e" component="span" sx={{ color: "error.main" }}>{error}</Box>] }];
  if (!found.exists) return [{ key, cells: [one.name, "", "", <Box key="e" component="span" sx={{ color: "warning.main" }}>{t("templates.missing")}</Box>] }];
  const differs = mismatch(statistic, found);
  // Tables of another type than the statistic says show what there is, so that one sees what to take.
  return found.rows.map((row, index) => {
    const taken = measurable(statistic.kind, found.syntax, row.value);
    const counts = statistic.kind === "counter";
    const value = counts || taken !== "yes" ? row.value : `${scaled(row.value, statistic.scale)} ${statistic.unit}`.trim();
    const note = differs && index === 0 ? (
      <Box sx={{ color: "warning.main" }}>
        {t(`templates.${differs.why}`)} <Button size="small" onClick={() => onFix(one, differs.fix)}>{t("templates.correct")}</Button>
      </Box>
    ) : taken === "time" && index === 0 ? t("templates.timeNote")
      : taken === "no" ? <Box component="span" sx={{ color: "error.main" }}>{t("templates.noNumber")}</Box>
      : counts && index === 0 ? t("templates.counterNote")
      : found.rows.length >= SHOWN && index === found.rows.length - 1 ? t("templates.more", { n: SHOWN }) : "";
    return { key: `${key}.${row.oid}`, cells: [index === 0 ? one.name : "", row.label || row.index, value, note] };
  });
}

/** Asks a device with the values of the form as they stand, before they are saved. */
export function TemplateTest({ record, draft }: FormPanel) {
  const { byName } = useMetadata();
  const { setValue, getValues } = useFormContext();
  const [item, setItem] = useState<ChoiceId | null>(null);
  const [address, setAddress] = useState("");
  const [credential, setCredential] = useState("");
  const [answer, setAnswer] = useState<{ identity: Tried; items?: Known; draft: Record<string, unknown> }>();
  const [measured, setMeasured] = useState<Measurement[]>([]);
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const items = byName.get("ci");
  const may = byName.get("mib")?.privileges.includes("execute") ?? false;
  const { data: credentials } = useQuery({
    queryKey: ["credentials", "snmp"], queryFn: ({ signal }) => api<ListEnvelope<{ id: string; name: string }>>(`/api/credentials/${query({ items_per_page: 200, filters: JSON.stringify({ field: "kind", condition: "in", value: ["snmp_v1", "snmp_v2c", "snmp_v3"] }) })}`, { signal }),
    enabled: may && byName.has("credential"), retry: false,
  });
  const known = credentials?.results ?? [];
  const ready = item !== null || address.trim() !== "";

  const ask = async () => {
    running.current?.abort();
    const { signal } = (running.current = new AbortController());
    const device = { ci_id: item === null ? "" : String(item), address: item === null ? address.trim() : "", credential };
    const values = draft();
    setBusy(true);
    setFailure(undefined);
    setAnswer(undefined);
    setMeasured([]);
    try {
      const identity = await tryTemplate(values, record ? String(record.id) : "", device, signal);
      // Who may not see items is told the rest all the same.
      const items = identity.sys_object_id ? await countItems(identity.sys_object_id, signal).catch(() => undefined) : undefined;
      setAnswer({ identity, items, draft: values });
      await measure(values.resource, device, signal, (one) => { if (!signal.aborted) setMeasured((before) => [...before, one]); });
    } catch (error) {
      if (!signal.aborted) setFailure(reason(error));
    } finally {
      if (!signal.aborted) setBusy(false);
    }
  };
  const onFix = ({ place, statistic }: Measurement, fix: Partial<Draft>) => {
    const rows = readStatistics(writeStatistics(readStatistics(getValues("resource"))));
    // What was changed since the device was asked stays as it is.
    const meant = (row: Draft, index: number) => index === place && row.oid.trim().replace(/^\.|\.$/g, "") === statistic?.oid;
    setValue("resource", writeStatistics(rows.map((row, index) => (meant(row, index) ? { ...row, ...fix } : row))), { shouldDirty: true });
    void ask();
  };

  if (!may) return <Section title={t("templates.test")} testId="template-test"><Typography color="text.secondary">{t("templates.testForbidden")}</Typography></Section>;
  return (
    <Section title={t("templates.test")} testId="template-test">
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1.5 }}>{t("templates.testHint")}</Typography>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "flex-start" }}>
        {items && <Box sx={{ width: 260 }}><ReferencePicker label={t("templates.item")} target={items} value={item} onChange={(id) => { setItem(id); if (id !== null) setAddress(""); }} /></Box>}
        <TextField label={t("templates.address")} value={address} onChange={(event) => { setAddress(event.target.value); setItem(null); }} sx={{ width: 180 }}
          onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); if (ready && !busy) void ask(); } }} />
        {known.length > 0 && (
          <TextField select label={t("templates.credential")} value={credential} onChange={(event) => setCredential(event.target.value)} sx={{ width: 180 }} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
            <MenuItem value="">{t("templates.credentialAny")}</MenuItem>
            {known.map((one) => <MenuItem key={one.id} value={one.id}>{one.name}</MenuItem>)}
          </TextField>
        )}
        <Button variant="outlined" disabled={busy || !ready} onClick={() => void ask()}>{t(busy ? "templates.asking" : "templates.ask")}</Button>
      </Box>
      <Box aria-live="polite" sx={{ display: "grid", gap: 1.5, mt: failure || answer ? 1.5 : 0 }}>
        {answer && <Identity answer={answer.identity} items={answer.items} draft={answer.draft} />}
        {answer && (measured.length > 0 ? (
          <Box>
            <Typography variant="h3" sx={{ fontSize: 14, fontWeight: 600, mb: 0.5 }}>{t("templates.measured")}</Typography>
            <PlainTable label={t("templates.measured")} testId="template-measured" head={[t("templates.name"), t("templates.row"), `#${t("templates.value")}`, t("templates.note")]} rows={measured.flatMap((one) => measuredRows(one, onFix))} />
          </Box>
        ) : !busy && !failure && <Typography variant="body2" color="text.secondary">{t("templates.nothingMeasured")}</Typography>)}
        {failure && <Alert severity="error">{failure}</Alert>}
      </Box>
    </Section>
  );
}
