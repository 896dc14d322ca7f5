import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useEffect, useMemo, useRef, useState, type ComponentType } from "react";
import { Form } from "react-admin";
import { useFormContext, useFormState, useWatch } from "react-hook-form";
import { ApiError, messageOf } from "../api/http";
import { fieldAccess } from "../api/permissions";
import { formValues, toPayload } from "../api/records";
import type { FieldMeta, ResourceMeta, Row } from "../api/types";
import { t } from "../i18n";
import { FieldInput, isWide } from "./FieldInput";
import { formFields, forRecord, inStatus, isAbout, placeErrors, sections, statusField } from "./form";
import { FORM_PANELS } from "./panels";

function Footer({ submitLabel, otherLabel, onChoose, onCancel, onDirty }: { submitLabel: string; otherLabel?: string; onChoose: (other: boolean) => void; onCancel?: () => void; onDirty?: (dirty: boolean) => void }) {
  const { isSubmitting, isDirty } = useFormState();
  onDirty?.(isDirty);
  return (
    <Box sx={{ display: "flex", gap: 1, mt: 2, position: "sticky", bottom: 0, bgcolor: "background.default", py: 1.25, borderTop: 1, borderColor: "divider", zIndex: 2 }}>
      <Button type="submit" variant="contained" disabled={isSubmitting} onClick={() => onChoose(false)}>{isSubmitting ? t("common.saving") : submitLabel}</Button>
      {otherLabel && <Button type="submit" variant="outlined" disabled={isSubmitting} onClick={() => onChoose(true)}>{otherLabel}</Button>}
      {onCancel && <Button onClick={onCancel}>{t("common.cancel")}</Button>}
    </Box>
  );
}

export function FieldGroup({ name, fields: every }: { name: string; fields: FieldMeta[] }) {
  const values = useWatch() as Record<string, unknown>;
  const fields = every.filter((field) => isAbout(field, values));
  if (fields.length === 0) return null;
  return (
    <Box component="section" aria-label={name}>
      <Typography variant="h2" sx={{ mb: 1.5 }}>{name}</Typography>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
        {fields.map((field) => <Box key={field.name} sx={isWide(field) ? { gridColumn: "1 / -1" } : undefined}><FieldInput field={field} /></Box>)}
      </Box>
    </Box>
  );
}

function PanelBelow({ meta, record, fields }: { meta: ResourceMeta; record: Row | undefined; fields: FieldMeta[] }) {
  const { getValues } = useFormContext();
  const Panel = FORM_PANELS[meta.name];
  if (!Panel) return null;
  const draft = () => toPayload(getValues(), undefined, fields.filter((field) => !fieldAccess(field).readOnly)).payload;
  return <Panel record={record} draft={draft} />;
}

/** Tells the form which status is chosen in it: what is being created is judged by the status that it gets. */
function StatusWatch({ name, onChange }: { name: string | undefined; onChange: (status: unknown) => void }) {
  const status = useWatch({ name: name ?? "status" }) as unknown;
  useEffect(() => onChange(status), [status, onChange]);
  return null;
}

export interface Submission {
  payload: Record<string, unknown>;
  fields: FieldMeta[];
  /** By the second button. */
  other: boolean;
}

/** Where the fields of a form stand that is laid out by hand. */
export type FormLayout = ComponentType<{ fields: FieldMeta[] }>;

/** The form of any resource. `record` is where it starts from: it does not follow later changes while one types. */
export function RecordForm({ meta, record, submitLabel, otherLabel, layout: Layout, onSubmit, onCancel, onDirty }: {
  meta: ResourceMeta; record?: Row; submitLabel: string; otherLabel?: string; layout?: FormLayout; onSubmit: (submission: Submission) => Promise<void>; onCancel?: () => void; onDirty?: (dirty: boolean) => void;
}) {
  const [status, setStatus] = useState<unknown>();
  const fields = useMemo(() => formFields(record ? forRecord(meta, record) : inStatus(meta, status), !record), [meta, record, status]);
  // Of every field, whatever the status hides: what was typed stays while another status is chosen.
  const start = useMemo(() => formValues(record, meta.fields), [record, meta]);
  const groups = useMemo(() => sections(fields), [fields]);
  const noted = t("resources.noted");
  const [failure, setFailure] = useState<string>();
  const other = useRef(false);
  const submit = async (values: Record<string, unknown>) => {
    setFailure(undefined);
    const { payload, errors } = toPayload(values, record ? start : undefined, fields.filter((field) => !fieldAccess(field).readOnly));
    if (Object.keys(errors).length > 0) return placeErrors(errors, fields).placed;
    try {
      await onSubmit({ payload, fields, other: other.current });
      return undefined;
    } catch (error) {
      const { placed, rest } = placeErrors(error instanceof ApiError ? error.fields : {}, fields);
      const any = Object.keys(placed).length > 0;
      setFailure(rest.length > 0 ? rest.join(" ") : any ? t("resources.fixErrors") : messageOf(error));
      return any ? placed : undefined;
    }
  };
  return (
    <Form record={{ ...record, ...start, id: record?.id }} onSubmit={submit} noValidate sanitizeEmptyValues={false} warnWhenUnsavedChanges>
      {!record && meta.by_status && <StatusWatch name={statusField(meta)?.name} onChange={setStatus} />}
      {failure && <Alert severity="error" sx={{ mb: 2 }} data-testid="form-error">{failure}</Alert>}
      <Box sx={{ display: "grid", gap: 3 }}>
        {Layout ? <Layout fields={fields} /> : groups.filter(([name]) => name !== noted).map(([name, items]) => <FieldGroup key={name} name={name} fields={items} />)}
        <PanelBelow meta={meta} record={record} fields={fields} />
        {!Layout && groups.filter(([name]) => name === noted).map(([name, items]) => <FieldGroup key={name} name={name} fields={items} />)}
      </Box>
      <Footer submitLabel={submitLabel} otherLabel={otherLabel} onChoose={(value) => { other.current = value; }} onCancel={onCancel} onDirty={onDirty} />
    </Form>
  );
}
