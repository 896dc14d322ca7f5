import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Autocomplete from "@mui/material/Autocomplete";
import { conditionsFor, emptyValue, filterName, firstCondition, takesList, takesNoValue, type Clause, type Condition } from "../api/filters";
import { referencedResource, useMetadata } from "../api/metadata";
import { toLocalInput } from "../api/records";
import type { Choice, ChoiceId, FieldMeta } from "../api/types";
import { t } from "../i18n";
import { ReferencesPicker } from "./ReferencePicker";

const INPUT_TYPE: Partial<Record<FieldMeta["kind"], string>> = { integer: "number", number: "number", date: "date", datetime: "datetime-local" };

function ValueInput({ field, clause, onChange }: { field: FieldMeta; clause: Clause; onChange: (value: unknown) => void }) {
  const { byName } = useMetadata();
  if (takesNoValue(clause.condition)) return null;
  const target = referencedResource(field, byName);
  const list = Array.isArray(clause.value) ? (clause.value as ChoiceId[]) : [];
  if (field.kind === "boolean") {
    return (
      <TextField select label={t("resources.value")} value={clause.value === false ? "false" : "true"} onChange={(event) => onChange(event.target.value === "true")}>
        <MenuItem value="true">{t("common.yes")}</MenuItem>
        <MenuItem value="false">{t("common.no")}</MenuItem>
      </TextField>
    );
  }
  if (field.choices && takesList(clause.condition)) {
    const options = field.choices;
    return (
      <Autocomplete multiple options={options} value={options.filter((choice) => list.some((id) => String(id) === String(choice.id)))}
        getOptionLabel={(choice: Choice) => choice.name} getOptionKey={(choice) => choice.id} disableCloseOnSelect
        onChange={(_, next) => onChange(next.map((choice) => choice.id))}
        renderInput={(params) => <TextField {...params} label={t("resources.value")} />} />
    );
  }
  if (target && takesList(clause.condition)) {
    return <ReferencesPicker label={t("resources.value")} target={target} value={list} onChange={onChange} />;
  }
  const type = INPUT_TYPE[field.kind] ?? "text";
  // A time is typed in the person's own zone and asked for as the moment that it is.
  const shown = (value: unknown) => (field.kind === "datetime" ? toLocalInput(String(value ?? "")) : String(value ?? ""));
  const meant = (typed: string) => (field.kind === "datetime" && typed ? new Date(typed).toISOString() : typed);
  const labelShift = type === "date" || type === "datetime-local" ? { inputLabel: { shrink: true } } : undefined;
  if (clause.condition === "between") {
    const [from = "", to = ""] = list.map(String);
    return (
      <Box sx={{ display: "flex", gap: 1 }}>
        <TextField type={type} label={t("resources.from")} value={shown(from)} slotProps={labelShift} onChange={(event) => onChange([meant(event.target.value), to])} />
        <TextField type={type} label={t("resources.to")} value={shown(to)} slotProps={labelShift} onChange={(event) => onChange([from, meant(event.target.value)])} />
      </Box>
    );
  }
  return <TextField type={type} label={t("resources.value")} value={shown(clause.value)} slotProps={labelShift} onChange={(event) => onChange(meant(event.target.value))} />;
}

export function FilterBuilder({ fields, where, any, onChange }: {
  fields: FieldMeta[]; where: Clause[]; any: boolean; onChange: (where: Clause[], any: boolean) => void;
}) {
  const byName = new Map(fields.map((field) => [filterName(field), field]));
  const replace = (index: number, clause: Clause) => onChange(where.map((item, i) => (i === index ? clause : item)), any);
  const add = () => {
    const field = fields[0];
    if (!field) return;
    const condition = firstCondition(field);
    onChange([...where, { field: filterName(field), condition, value: emptyValue(field, condition) }], any);
  };
  return (
    <Box role="group" aria-label={t("resources.filters")} sx={{ display: "grid", gap: 1 }}>
      {where.map((clause, index) => {
        const field = byName.get(clause.field);
        return (
          // Clauses have no identity of their own; their place in the list is it.
          <Box key={index} data-testid="filter-clause" sx={{ display: "grid", gap: 1, alignItems: "start", justifyContent: { md: "start" }, gridTemplateColumns: { xs: "1fr auto", md: "200px 180px minmax(220px, 420px) auto" } }}>
            <TextField select label={t("resources.field")} value={field ? clause.field : ""}
              onChange={(event) => {
                const next = byName.get(event.target.value);
                if (next) replace(index, { field: event.target.value, condition: firstCondition(next), value: emptyValue(next, firstCondition(next)) });
              }}>
              {fields.map((option) => <MenuItem key={option.name} value={filterName(option)}>{option.label}</MenuItem>)}
            </TextField>
            <TextField select label={t("resources.condition")} value={clause.condition} sx={{ gridRow: { xs: 2, md: "auto" } }}
              onChange={(event) => {
                const condition = event.target.value as Condition;
                const keep = takesList(condition) === takesList(clause.condition) && condition !== "between" && clause.condition !== "between" && !takesNoValue(clause.condition);
                replace(index, { ...clause, condition, value: keep ? clause.value : field ? emptyValue(field, condition) : "" });
              }}>
              {(field ? conditionsFor(field.kind) : [clause.condition]).map((condition) => <MenuItem key={condition} value={condition}>{t(`resources.conditions.${condition}`)}</MenuItem>)}
            </TextField>
            <Box sx={{ gridRow: { xs: 3, md: "auto" } }}>{field && <ValueInput field={field} clause={clause} onChange={(value) => replace(index, { ...clause, value })} />}</Box>
            <IconButton aria-label={t("resources.removeCondition")} onClick={() => onChange(where.filter((_, i) => i !== index), any)} sx={{ mt: 0.5, gridRow: { xs: 1, md: "auto" }, gridColumn: { xs: 2, md: "auto" } }}>
              <CloseIcon fontSize="small" />
            </IconButton>
          </Box>
        );
      })}
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center" }}>
        <Button onClick={add}>{t("resources.addCondition")}</Button>
        {where.length > 1 && (
          <TextField select fullWidth={false} value={any ? "any" : "all"} onChange={(event) => onChange(where, event.target.value === "any")} slotProps={{ htmlInput: { "aria-label": t("resources.condition") } }}>
            <MenuItem value="all">{t("resources.matchAll")}</MenuItem>
            <MenuItem value="any">{t("resources.matchAny")}</MenuItem>
          </TextField>
        )}
      </Box>
    </Box>
  );
}
