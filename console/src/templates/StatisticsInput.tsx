import CloseIcon from "@mui/icons-material/Close";
import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormHelperText from "@mui/material/FormHelperText";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import type { SpecialInput } from "../rules/inputs";
import { checkStatistics, readOptions } from "./api";
import { isBlank, keyOf, NEW, placeWrong, readStatistics, writeStatistics, type Draft } from "./model";

const MOST = 100;
const TYPES = ["scalar", "column"] as const;
const KINDS = ["gauge", "counter"] as const;
const mono = { input: { sx: { fontFamily: "monospace", fontSize: 13 } } };

function StatisticRow({ row, number, units, error, onChange, onRemove }: { row: Draft; number: number; units: string[]; error?: string; onChange: (row: Draft) => void; onRemove: () => void }) {
  const put = (part: Partial<Draft>) => onChange({ ...row, ...part });
  const name = row.name || row.key || t("templates.statistic", { n: number });
  return (
    <Box role="group" aria-label={name} data-testid="statistic" sx={{ border: 1, borderColor: error ? "error.main" : "divider", borderRadius: 1, p: 1.25, display: "grid", gridTemplateColumns: "minmax(0,1fr) auto", gap: 1 }}>
      <Box sx={{ display: "grid", gap: 1.25, gridTemplateColumns: { xs: "1fr", sm: "repeat(12, minmax(0,1fr))" }, "& > *": { gridColumn: { sm: "span 3" } } }}>
        <TextField label={t("templates.name")} value={row.name} onChange={(event) => put({ name: event.target.value })} sx={{ gridColumn: { sm: "span 5" } }} />
        <TextField label={t("templates.oid")} value={row.oid} onChange={(event) => put({ oid: event.target.value })} slotProps={mono} sx={{ gridColumn: { sm: "span 7" } }} />
        <TextField select label={t("templates.takes")} value={row.type} onChange={(event) => put({ type: event.target.value })}>
          {TYPES.map((type) => <MenuItem key={type} value={type}>{t(`templates.types.${type}`)}</MenuItem>)}
        </TextField>
        <TextField select label={t("templates.kind")} value={row.kind} onChange={(event) => put({ kind: event.target.value })} sx={{ gridColumn: { sm: "span 4" } }}>
          {KINDS.map((kind) => <MenuItem key={kind} value={kind}>{t(`templates.kinds.${kind}`)}</MenuItem>)}
        </TextField>
        <Autocomplete freeSolo options={units} value={row.unit} inputValue={row.unit} onInputChange={(_, unit) => { if (unit !== row.unit) put({ unit }); }} sx={{ gridColumn: { sm: "span 2" } }}
          renderInput={(params) => <TextField {...params} label={t("templates.unit")} />} />
        <TextField label={t("templates.scale")} value={row.scale} onChange={(event) => put({ scale: event.target.value })} />
        {row.type === "column" && (
          <TextField label={t("templates.labelOid")} helperText={t("templates.labelOidHint")} value={row.label_oid} onChange={(event) => put({ label_oid: event.target.value })} slotProps={mono} sx={{ gridColumn: { sm: "span 7" } }} />
        )}
        <TextField label={t("templates.key")} value={row.key} placeholder={keyOf(row.name)} onChange={(event) => put({ key: event.target.value })} slotProps={{ ...mono, inputLabel: { shrink: true } }} sx={{ gridColumn: { sm: "span 5" } }} />
        {error && <FormHelperText error sx={{ gridColumn: "1 / -1", m: 0 }}>{error}</FormHelperText>}
      </Box>
      <IconButton size="small" aria-label={t("templates.removeStatistic", { name })} onClick={onRemove} sx={{ alignSelf: "start" }}><CloseIcon fontSize="small" /></IconButton>
    </Box>
  );
}

/** What a template measures, one row a statistic; the server checks them while they are typed. */
export function StatisticsInput({ field, value, onChange, error }: SpecialInput) {
  const [{ rows, written, seen }, setState] = useState(() => ({ rows: readStatistics(value), written: value, seen: value }));
  // Another part of the form may change them, too: then what was typed here is out of date.
  if (value !== seen) setState({ rows: JSON.stringify(value) === JSON.stringify(written) ? rows : readStatistics(value), written: value, seen: value });
  const take = (next: Draft[]) => {
    const statistics = writeStatistics(next);
    setState({ rows: next, written: statistics, seen });
    onChange(statistics);
  };
  const { data: options } = useQuery({ queryKey: ["template-options"], queryFn: ({ signal }) => readOptions(signal), staleTime: Infinity });
  // Rows without a name or an OID are still being typed; what they miss is said here.
  const settled = useDebounced(rows, 400);
  const asked = writeStatistics(settled);
  const { data: checked } = useQuery({
    queryKey: ["template-statistics", asked], queryFn: ({ signal }) => checkStatistics(asked, signal),
    enabled: asked.length > 0, placeholderData: keepPreviousData, retry: false,
  });
  const wrong = settled === rows && checked && asked.length > 0 ? placeWrong(rows, checked.errors) : new Map<number, string>();
  const problem = (row: Draft, index: number) => {
    if (isBlank(row)) return undefined;
    if (!row.name.trim() && !row.key.trim()) return t("templates.needsName");
    if (!row.oid.trim()) return t("templates.needsOid");
    return wrong.get(index);
  };
  return (
    <Box data-testid="statistics">
      <Typography variant="body2" sx={{ fontWeight: 600 }}>{field.label}</Typography>
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{rows.length > 0 ? t("templates.statisticsHint") : `${t("templates.noStatistics")} ${t("templates.statisticsHint")}`}</Typography>
      <Box sx={{ display: "grid", gap: 1 }}>
        {rows.map((row, index) => (
          <StatisticRow key={index} row={row} number={index + 1} units={options?.units ?? []} error={problem(row, index)}
            onChange={(next) => take(rows.map((item, i) => (i === index ? next : item)))} onRemove={() => take(rows.filter((_, i) => i !== index))} />
        ))}
      </Box>
      {error && <FormHelperText error sx={{ mx: 0 }}>{error}</FormHelperText>}
      <Button sx={{ mt: 1 }} variant="outlined" disabled={rows.length >= (options?.most ?? MOST)} onClick={() => take([...rows, NEW])}>{t("templates.addStatistic")}</Button>
    </Box>
  );
}
