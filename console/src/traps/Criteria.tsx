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
import { takesNoValue } from "../api/filters";
import { api, query } from "../api/http";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import type { SpecialInput } from "../rules/inputs";
import { TRAPS } from "./api";
import { CRITERIA, readCriteria, writeCriteria, type Criterion, type CriteriaDraft } from "./criteriaModel";

interface Variable {
  name: string;
  macro: string;
  position: number;
  enumerations: Record<string, string> | null;
}

/** The variables of the trap that the form is about, as the MIBs know them. */
function useVariables(): Variable[] {
  const oid = useDebounced(String((useWatch({ name: "trap_oid" }) as unknown) ?? "").trim(), 400);
  const { data } = useQuery({ queryKey: ["trap-variables", oid], queryFn: ({ signal }) => api<{ variables: Variable[] }>(`${TRAPS}msg_options/${query({ trap_oid: oid })}`, { signal }), enabled: oid !== "", retry: false, staleTime: 60_000 });
  return data?.variables ?? [];
}

/** Conditions on the variables of a trap: any number, all or one of which must hold. */
export function Criteria({ field, value, onChange, error }: SpecialInput) {
  const [draft, setDraft] = useState<CriteriaDraft | undefined>(() => readCriteria(value));
  const variables = useVariables();
  const take = (next: CriteriaDraft) => {
    setDraft(next);
    onChange(writeCriteria(next));
  };
  if (!draft) {
    return <TextField multiline minRows={4} fullWidth label={field.label} value={typeof value === "string" ? value : JSON.stringify(value, null, 2)} onChange={(event) => onChange(event.target.value)} error={!!error} helperText={error ?? field.help} slotProps={{ input: { sx: { fontFamily: "monospace", fontSize: 13 } } }} />;
  }
  const put = (index: number, change: Partial<Criterion>) => take({ ...draft, items: draft.items.map((item, at) => (at === index ? { ...item, ...change } : item)) });
  return (
    <Box role="group" aria-label={field.label} data-testid={`criteria-${field.name}`}>
      <Typography variant="body2" sx={{ fontWeight: 600, mb: 1 }}>{field.label}</Typography>
      {draft.items.length === 0 && <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("traps.noCriteria")}</Typography>}
      {draft.items.map((item, index) => {
        const known = variables.find((variable) => variable.name === item.key || String(variable.position) === item.key);
        const labels = Object.values(known?.enumerations ?? {});
        return (
          // Conditions have no identity of their own; their place in the list is it.
          <Box key={index} sx={{ display: "grid", gap: 1, mb: 1, gridTemplateColumns: { xs: "1fr auto", md: "minmax(140px, 1fr) 180px minmax(140px, 1fr) auto" } }}>
            <TextField label={t("traps.variable")} value={item.key} onChange={(event) => put(index, { key: event.target.value })} slotProps={{ htmlInput: { list: `variables-${field.name}` } }} />
            <TextField select label={t("resources.condition")} value={item.condition} onChange={(event) => put(index, { condition: event.target.value as Criterion["condition"] })}>
              {CRITERIA.map((word) => <MenuItem key={word} value={word}>{t(`resources.conditions.${word}`)}</MenuItem>)}
            </TextField>
            {takesNoValue(item.condition) ? <span /> : <TextField label={t("resources.value")} value={item.value} helperText={labels.length > 0 ? labels.join(", ") : undefined} onChange={(event) => put(index, { value: event.target.value })} />}
            <IconButton aria-label={t("resources.removeCondition")} onClick={() => take({ ...draft, items: draft.items.filter((_, at) => at !== index) })} sx={{ alignSelf: "start", mt: 0.5 }}><CloseIcon fontSize="small" /></IconButton>
          </Box>
        );
      })}
      <datalist id={`variables-${field.name}`}>{variables.map((variable) => <option key={variable.name} value={variable.name} />)}</datalist>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
        <Button onClick={() => take({ ...draft, items: [...draft.items, { key: variables[draft.items.length]?.name ?? "", condition: "equal", value: "" }] })}>{t("resources.addCondition")}</Button>
        {draft.items.length > 1 && (
          <TextField select fullWidth={false} value={draft.any ? "any" : "all"} onChange={(event) => take({ ...draft, any: event.target.value === "any" })} slotProps={{ htmlInput: { "aria-label": t("resources.condition") } }}>
            <MenuItem value="all">{t("resources.matchAll")}</MenuItem>
            <MenuItem value="any">{t("resources.matchAny")}</MenuItem>
          </TextField>
        )}
      </Box>
      {error && <FormHelperText error>{error}</FormHelperText>}
    </Box>
  );
}
