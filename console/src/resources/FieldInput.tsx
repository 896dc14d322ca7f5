import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import FormLabel from "@mui/material/FormLabel";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { lazy, Suspense } from "react";
import { useInput, useRecordContext, useResourceContext } from "react-admin";
import { referencedResource, useMetadata } from "../api/metadata";
import { fieldAccess } from "../api/permissions";
import { fieldLabel, fieldPath, referenceId } from "../api/records";
import type { Choice, ChoiceId, FieldMeta } from "../api/types";
import { t } from "../i18n";
import { SPECIAL_INPUTS } from "../rules/inputs";
import { ChoiceMark, FieldValue } from "./FieldValue";
import { ReferencePicker, ReferencesPicker } from "./ReferencePicker";

const RichText = lazy(() => import("../common/RichText"));

const INPUT_TYPE: Partial<Record<FieldMeta["kind"], string>> = {
  integer: "number", number: "number", date: "date", datetime: "datetime-local", email: "email", phone: "tel", url: "url", secret: "password",
};

const LONGEST_PASSWORD = 5000;

const LONG_LINE = 1000;

/** What needs the whole width: documents, and lines that may be long. */
export const isWide = (field: FieldMeta) => ["longtext", "html", "json"].includes(field.kind) || (field.kind === "text" && (field.max_length ?? 0) >= LONG_LINE);

function Swatch({ color }: { color: unknown }) {
  const known = typeof color === "string" && /^#[0-9a-f]{6}$/i.test(color);
  return <Box aria-hidden sx={{ width: 18, height: 18, borderRadius: 0.5, flexShrink: 0, ...(known ? { bgcolor: color } : { border: 1, borderColor: "divider" }) }} />;
}

/** Whether a secret is stored already: the record says which, or does not say. */
function kept(source: Record<string, unknown> | undefined, field: FieldMeta): boolean {
  const set = source?.secrets_set ?? (source?.[`has_${field.name}`] === true ? [field.name] : undefined);
  return Array.isArray(set) && set.includes(field.name);
}

export function FieldInput({ field }: { field: FieldMeta }) {
  const { byName } = useMetadata();
  const resource = useResourceContext() ?? "";
  const source = useRecordContext<Record<string, unknown> & { id: ChoiceId }>();
  const access = fieldAccess(field);
  const missing = (value: unknown) =>
    access.required && field.kind !== "boolean" && (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
      ? t("common.fieldRequired", { label: field.label }) : undefined;
  const path = fieldPath(field);
  const { field: control, fieldState } = useInput({ source: path, validate: missing, defaultValue: null });
  const error = typeof fieldState.error?.message === "string" ? readMessage(fieldState.error.message) : undefined;
  const help = error ?? field.help ?? undefined;
  const common = { label: field.label, required: access.required, disabled: access.readOnly };
  const value = control.value as unknown;
  const list = Array.isArray(value) ? (value as ChoiceId[]) : [];
  const target = referencedResource(field, byName);

  if (access.readOnly && source) {
    return (
      <Box>
        <Typography component="div" variant="body2" color="text.secondary">{field.label}</Typography>
        <Box sx={{ minHeight: 20, overflowWrap: "anywhere" }}><FieldValue record={source} field={field} link /></Box>
      </Box>
    );
  }
  const Special = access.readOnly ? undefined : SPECIAL_INPUTS[`${resource}.${field.name}`];
  if (Special) return <Special field={field} value={value} onChange={control.onChange} error={error} />;
  if (field.kind === "boolean") {
    return (
      <Box>
        <FormControlLabel label={field.label} disabled={access.readOnly}
          control={<Checkbox name={path} checked={!!value} onChange={(event) => control.onChange(event.target.checked)} />} />
        {help && <FormHelperText error={!!error}>{help}</FormHelperText>}
      </Box>
    );
  }
  if (field.kind === "html") {
    return (
      <Box>
        <FormLabel required={access.required} error={!!error} sx={{ fontSize: 12 }}>{field.label}</FormLabel>
        <Suspense fallback={<Box sx={{ height: 120 }} />}>
          <RichText value={String(value ?? "")} onChange={control.onChange} label={field.label} readOnly={access.readOnly} />
        </Suspense>
        {help && <FormHelperText error={!!error}>{help}</FormHelperText>}
      </Box>
    );
  }
  if (field.choices && field.kind === "choices") {
    const options = field.choices;
    return (
      <Autocomplete multiple disableCloseOnSelect disabled={access.readOnly} options={options}
        value={options.filter((choice) => list.some((id) => String(id) === String(choice.id)))}
        getOptionLabel={(choice: Choice) => choice.name} getOptionKey={(choice) => choice.id}
        onChange={(_, next) => control.onChange(next.map((choice) => choice.id))}
        renderInput={(params) => <TextField {...params} label={field.label} required={access.required && list.length === 0} error={!!error} helperText={help} />} />
    );
  }
  if (field.choices) {
    const known = field.choices.some((choice) => String(choice.id) === String(value));
    return (
      <TextField select {...common} name={path} value={known ? String(value) : ""} error={!!error} helperText={help}
        onChange={(event) => control.onChange(field.choices?.find((choice) => String(choice.id) === event.target.value)?.id ?? null)}>
        {!access.required && <MenuItem value=""><em>{t("common.none")}</em></MenuItem>}
        {field.choices.map((choice) => <MenuItem key={choice.id} value={String(choice.id)}><ChoiceMark name={choice.name} color={choice.color} /></MenuItem>)}
      </TextField>
    );
  }
  if (target && (field.kind === "references" || field.kind === "users")) {
    const names = source ? fieldLabel(source, field) : undefined;
    return <ReferencesPicker {...common} target={target} value={list} valueNames={Array.isArray(names) ? names : undefined} onChange={control.onChange} error={error} help={field.help} />;
  }
  if (target && (field.kind === "reference" || field.kind === "user")) {
    const name = source ? fieldLabel(source, field) : undefined;
    const same = source && String(readId(source[field.name])) === String(value);
    return <ReferencePicker {...common} name={path} target={target} value={referenceId(value)} valueName={same && typeof name === "string" ? name : undefined} onChange={(id) => control.onChange(id)} error={error} help={field.help} />;
  }
  if (Array.isArray(value) || field.kind === "choices" || field.kind === "references" || field.kind === "users") {
    // A list of free words: nothing to choose from, so each word is typed.
    return (
      <Autocomplete multiple freeSolo disabled={access.readOnly} options={[] as string[]} value={list.map(String)} onChange={(_, next) => control.onChange(next)}
        renderInput={(params) => <TextField {...params} label={field.label} error={!!error} helperText={help} />} />
    );
  }
  const type = INPUT_TYPE[field.kind] ?? "text";
  const shrink = type === "date" || type === "datetime-local" ? { inputLabel: { shrink: true } } : {};
  // A key of several lines would lose them in a password box.
  const long = field.kind === "longtext" || field.kind === "json" || (field.kind === "secret" && (field.max_length ?? 0) > LONGEST_PASSWORD);
  return (
    <TextField {...common} name={path} type={type} value={value ?? ""} onChange={control.onChange} onBlur={control.onBlur} inputRef={control.ref} error={!!error}
      helperText={error ?? (field.kind === "secret" && kept(source, field) ? t("resources.secretKept") : help)} multiline={long} minRows={long ? 3 : undefined}
      slotProps={{ htmlInput: { maxLength: field.max_length ?? undefined, min: field.minimum ?? undefined, max: field.maximum ?? undefined, step: field.kind === "number" ? "any" : undefined, autoComplete: field.kind === "secret" ? "new-password" : "off" }, ...(field.kind === "color" ? { input: { endAdornment: <Swatch color={value} /> } } : {}), ...shrink }} />
  );
}

function readId(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (value as { id?: unknown }).id : value;
}

/** react-admin marks its own messages so that it can translate them later; ours are sentences already. */
export function readMessage(message: string): string {
  if (!message.startsWith("@@react-admin@@")) return message;
  const text = message.slice("@@react-admin@@".length);
  try {
    return String(JSON.parse(text) as unknown);
  } catch {
    return text;
  }
}
