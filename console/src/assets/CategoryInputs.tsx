import CloseIcon from "@mui/icons-material/Close";
import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState, type ReactNode } from "react";
import { useWatch } from "react-hook-form";
import { api } from "../api/http";
import { t } from "../i18n";
import type { SpecialInput } from "../rules/inputs";
import { KIND_NAMES, keyOf, readAttributes, readRules, readSections, writeAttributes, writeRules, writeSections, type AttributeDraft, type SectionDraft } from "./categoryModel";

interface Field { key: string; label: string }

const mono = { input: { sx: { fontFamily: "monospace", fontSize: 13 } } };

/** The fields that a category may name: those of every item, those of other categories, and those typed above. */
function useFields(): Field[] {
  const { data } = useQuery({ queryKey: ["category-fields"], queryFn: ({ signal }) => api<{ attributes: Field[]; custom_fields: Field[] }>("/ux/common/cmdb/category/custom_options/", { signal }), staleTime: 60_000, retry: false });
  const { data: all } = useQuery({ queryKey: ["category-options"], queryFn: ({ signal }) => api<{ fields: Field[] }>("/ux/common/cmdb/category/all_options/", { signal }), staleTime: 60_000, retry: false });
  const typed = useWatch({ name: "attributes" }) as unknown;
  return useMemo(() => {
    const own = readAttributes(typed).map((one) => ({ key: one.key || keyOf(one.label), label: one.label })).filter((one) => one.key);
    const found = new Map<string, Field>();
    for (const one of [...own, ...(all?.fields ?? []), ...(data?.custom_fields ?? []), ...(data?.attributes ?? [])]) if (!found.has(one.key)) found.set(one.key, { key: one.key, label: one.label || one.key });
    return [...found.values()].sort((a, b) => a.label.localeCompare(b.label));
  }, [typed, all, data]);
}

/** Rows are kept here while they are being typed; what is written is what they come to. */
function useRows<Row>(value: unknown, onChange: (value: unknown) => void, read: (value: unknown) => Row[], write: (rows: Row[]) => unknown) {
  const [{ rows, written, seen }, setState] = useState(() => ({ rows: read(value), written: value, seen: value }));
  if (value !== seen) setState({ rows: JSON.stringify(value) === JSON.stringify(written) ? rows : read(value), written: value, seen: value });
  const take = (next: Row[]) => {
    const made = write(next);
    setState({ rows: next, written: made, seen });
    onChange(made);
  };
  return {
    rows, add: (row: Row) => take([...rows, row]), put: (at: number, part: Partial<Row>) => take(rows.map((row, index) => (index === at ? { ...row, ...part } : row))),
    set: (at: number, row: Row) => take(rows.map((old, index) => (index === at ? row : old))), drop: (at: number) => take(rows.filter((_, index) => index !== at)),
  };
}

function Rows({ input, hint, add, onAdd, children, testId }: { input: SpecialInput; hint: string; add: string; onAdd: () => void; children: ReactNode; testId: string }) {
  return (
    <Box data-testid={testId} sx={{ mb: 1 }}>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>{input.field.label}</Typography>
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{hint}</Typography>
      <Box sx={{ display: "grid", gap: 1 }}>{children}</Box>
      {input.error && <FormHelperText error sx={{ mx: 0 }}>{input.error}</FormHelperText>}
      <Button size="small" variant="outlined" sx={{ mt: 1 }} onClick={onAdd}>{add}</Button>
    </Box>
  );
}

function RowBox({ name, remove, onRemove, children }: { name: string; remove: string; onRemove: () => void; children: ReactNode }) {
  return (
    <Box role="group" aria-label={name} sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 1.25, display: "grid", gridTemplateColumns: "minmax(0,1fr) auto", gap: 1 }}>
      <Box sx={{ display: "grid", gap: 1.25, gridTemplateColumns: { xs: "1fr", sm: "repeat(12, minmax(0,1fr))" }, alignItems: "center" }}>{children}</Box>
      <IconButton size="small" aria-label={remove} onClick={onRemove} sx={{ alignSelf: "start" }}><CloseIcon fontSize="small" /></IconButton>
    </Box>
  );
}

const wide = (span: number) => ({ gridColumn: { sm: `span ${span}` } });

function Fields({ label, fields, value, onChange, most, span = 12 }: { label: string; fields: Field[]; value: string[]; onChange: (value: string[]) => void; most?: number; span?: number }) {
  const names = new Map(fields.map((one) => [one.key, one.label]));
  return (
    <Autocomplete multiple size="small" options={fields.map((one) => one.key)} value={value} sx={wide(span)} onChange={(_, next) => onChange(most ? next.slice(0, most) : next)}
      getOptionLabel={(key) => names.get(key) ?? key} renderOption={({ key: _, ...props }, key) => <li key={key} {...props}>{names.get(key)} <Box component="code" sx={{ ml: 1, fontSize: 12, color: "text.secondary" }}>{key}</Box></li>}
      renderInput={(params) => <TextField {...params} label={label} />} />
  );
}

/** What items of a category have beside the common fields. */
export function AttributesInput(input: SpecialInput) {
  const { rows, add, put, drop } = useRows<AttributeDraft>(input.value, input.onChange, readAttributes, writeAttributes);
  return (
    <Rows input={input} testId="attributes" hint={t("assets.attributesHint")} add={t("assets.addAttribute")} onAdd={() => add({ key: "", label: "", kind: "text", required: false, section: "", help: "", choices: [] })}>
      {rows.map((row, index) => {
        const name = row.label || row.key || t("assets.attribute", { n: index + 1 });
        return (
          <RowBox key={index} name={name} remove={t("assets.removeRow", { name })} onRemove={() => drop(index)}>
            <TextField label={t("assets.attributeName")} value={row.label} onChange={(event) => put(index, { label: event.target.value })} sx={wide(4)} />
            <TextField select label={t("assets.attributeKind")} value={row.kind} onChange={(event) => put(index, { kind: event.target.value })} sx={wide(3)}>
              {[...new Set([...Object.keys(KIND_NAMES), row.kind])].map((kind) => <MenuItem key={kind} value={kind}>{kind in KIND_NAMES ? t(`assets.kinds.${kind as keyof typeof KIND_NAMES}`) : kind}</MenuItem>)}
            </TextField>
            <TextField label={t("assets.attributeSection")} value={row.section} placeholder="Attributes" onChange={(event) => put(index, { section: event.target.value })} slotProps={{ inputLabel: { shrink: true } }} sx={wide(3)} />
            <FormControlLabel control={<Checkbox checked={row.required} onChange={(event) => put(index, { required: event.target.checked })} />} label={t("assets.mandatory")} sx={{ ...wide(2), mr: 0 }} />
            {(row.kind === "choice" || row.kind === "choices") && (
              <Autocomplete multiple freeSolo size="small" options={[] as string[]} value={row.choices} onChange={(_, choices) => put(index, { choices })} sx={wide(12)}
                renderInput={(params) => <TextField {...params} label={t("assets.choices")} helperText={t("assets.choicesHint")} />} />
            )}
            <TextField label={t("assets.attributeHelp")} value={row.help} onChange={(event) => put(index, { help: event.target.value })} sx={wide(7)} />
            <TextField label={t("assets.attributeKey")} value={row.key} placeholder={keyOf(row.label)} onChange={(event) => put(index, { key: event.target.value })} slotProps={{ ...mono, inputLabel: { shrink: true } }} sx={wide(5)} />
          </RowBox>
        );
      })}
    </Rows>
  );
}

/** How the form of items is divided, and what is mandatory in it. */
export function SectionsInput(input: SpecialInput) {
  const { rows, add, put, drop } = useRows<SectionDraft>(input.value, input.onChange, readSections, writeSections);
  const fields = useFields();
  return (
    <Rows input={input} testId="sections" hint={t("assets.sectionsHint")} add={t("assets.addSection")} onAdd={() => add({ name: "", fields: [], required: [] })}>
      {rows.map((row, index) => {
        const name = row.name || t("assets.sectionNumber", { n: index + 1 });
        return (
          <RowBox key={index} name={name} remove={t("assets.removeRow", { name })} onRemove={() => drop(index)}>
            <TextField label={t("assets.sectionName")} value={row.name} onChange={(event) => put(index, { name: event.target.value })} sx={wide(12)} />
            <Fields label={t("assets.sectionFields")} fields={fields} value={row.fields} onChange={(next) => put(index, { fields: next, required: row.required.filter((one) => next.includes(one)) })} />
            <Fields label={t("assets.mandatory")} fields={fields.filter((one) => row.fields.includes(one.key))} value={row.required} onChange={(required) => put(index, { required })} />
          </RowBox>
        );
      })}
    </Rows>
  );
}

/** Fields whose values together belong to one item only. */
export function IdentifiersInput(input: SpecialInput) {
  const { rows, add, set, drop } = useRows<string[]>(input.value, input.onChange, readRules, writeRules);
  const fields = useFields();
  return (
    <Rows input={input} testId="identifiers" hint={t("assets.identifiersHint")} add={t("assets.addIdentifier")} onAdd={() => add([])}>
      {rows.map((row, index) => {
        const name = t("assets.identifier", { n: index + 1 });
        return <RowBox key={index} name={name} remove={t("assets.removeRow", { name })} onRemove={() => drop(index)}><Fields label={name} fields={fields} value={row} most={5} onChange={(next) => set(index, next)} /></RowBox>;
      })}
    </Rows>
  );
}
