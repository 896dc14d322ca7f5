import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormHelperText from "@mui/material/FormHelperText";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useWatch } from "react-hook-form";
import { verbUrl } from "../api/dataProvider";
import { api } from "../api/http";
import { useMetadata, useResourceMeta } from "../api/metadata";
import type { ChoiceId } from "../api/types";
import { t, type TextKey } from "../i18n";
import type { SpecialInput } from "../rules/inputs";
import { readRules, writeRules, type FieldRule } from "./fieldBehaviours";

interface Extra {
  modules: { id: string; name: string }[];
  statuses: Record<string, { id: ChoiceId; name: string }[]>;
  fields: Record<string, { name: string; label: string }[]>;
  behaviours: string[];
}

const WORDS: Record<string, TextKey> = {
  visible: "admin.behaviours.visible", read_only: "admin.behaviours.read_only", mandatory: "admin.behaviours.mandatory", hidden: "admin.behaviours.hidden",
};
const behaviourName = (behaviour: string) => { const key = WORDS[behaviour]; return key ? t(key) : behaviour; };

/** Which modules there are, their statuses and fields. */
function useExtra(): Extra | undefined {
  const meta = useResourceMeta("field_config");
  const { data } = useQuery({ queryKey: ["field_config", "options"], queryFn: ({ signal }) => api<{ extra?: Extra }>(verbUrl(meta, "options"), { signal }) });
  return data?.extra;
}

function Picker({ field, value, onChange, error, options, empty }: SpecialInput & { options: { id: string; name: string }[]; empty?: string }) {
  const current = String(value ?? "");
  // What is stored stays chosen, also while the list is on its way or no longer has it.
  const all = current && !options.some((option) => option.id === current) ? [{ id: current, name: current }, ...options] : options;
  return (
    <TextField select label={field.label} required={field.required} value={current} error={!!error} helperText={error ?? field.help} onChange={(event) => onChange(event.target.value)}>
      {empty !== undefined && <MenuItem value=""><em>{empty}</em></MenuItem>}
      {all.map((option) => <MenuItem key={option.id} value={option.id}>{option.name}</MenuItem>)}
    </TextField>
  );
}

export function ModuleInput(props: SpecialInput) {
  return <Picker {...props} options={useExtra()?.modules ?? []} />;
}

export function StatusInput(props: SpecialInput) {
  const module = String(useWatch({ name: "module" }) ?? "");
  const statuses = useExtra()?.statuses[module] ?? [];
  return <Picker {...props} options={statuses.map((status) => ({ id: status.name, name: status.name }))} empty={t("admin.everyStatus")} />;
}

/** The resource that a custom field belongs to. */
export function ResourceInput(props: SpecialInput) {
  const { metadata } = useMetadata();
  return <Picker {...props} options={metadata.resources.filter((meta) => meta.custom_fields).map((meta) => ({ id: meta.name, name: meta.label }))} />;
}

/** One row a field: how it behaves for the role while a record is in the status. */
export function BehavioursInput({ field, value, onChange, error }: SpecialInput) {
  const module = String(useWatch({ name: "module" }) ?? "");
  const extra = useExtra();
  const [rules, setRules] = useState<FieldRule[]>(() => readRules(value));
  const fields = extra?.fields[module] ?? [];
  const take = (next: FieldRule[]) => {
    setRules(next);
    onChange(writeRules(next));
  };
  const put = (index: number, change: Partial<FieldRule>) => take(rules.map((rule, i) => (i === index ? { ...rule, ...change } : rule)));
  const labelOf = (name: string) => fields.find((item) => item.name === name)?.label ?? name;
  return (
    <Box role="group" aria-label={field.label} data-testid="behaviours" sx={{ display: "grid", gap: 1 }}>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>{field.label}</Typography>
      {!module && <Typography variant="body2" color="text.secondary">{t("admin.chooseModule")}</Typography>}
      {rules.map((rule, index) => {
        const free = fields.filter((item) => item.name === rule.field || !rules.some((other) => other.field === item.name));
        return (
          // A row has no identity of its own; its place in the list is it.
          <Box key={index} sx={{ display: "grid", gridTemplateColumns: "minmax(0, 1fr) minmax(120px, 200px) auto", gap: 1, alignItems: "center" }}>
            <TextField select label={t("resources.field")} value={rule.field} onChange={(event) => put(index, { field: event.target.value })}>
              {rule.field && !free.some((item) => item.name === rule.field) && <MenuItem value={rule.field}>{rule.field}</MenuItem>}
              {free.map((item) => <MenuItem key={item.name} value={item.name}>{item.label}</MenuItem>)}
            </TextField>
            <TextField select label={t("admin.behaviour")} value={rule.behaviour} onChange={(event) => put(index, { behaviour: event.target.value })}>
              {(extra?.behaviours ?? [rule.behaviour]).map((behaviour) => <MenuItem key={behaviour} value={behaviour}>{behaviourName(behaviour)}</MenuItem>)}
            </TextField>
            <IconButton aria-label={`${t("common.remove")}: ${labelOf(rule.field)}`} onClick={() => take(rules.filter((_, i) => i !== index))}><CloseIcon fontSize="small" /></IconButton>
          </Box>
        );
      })}
      {module && <Button sx={{ justifySelf: "start" }} onClick={() => setRules([...rules, { field: "", behaviour: "read_only" }])}>{t("admin.addBehaviour")}</Button>}
      {error && <FormHelperText error>{error}</FormHelperText>}
    </Box>
  );
}
