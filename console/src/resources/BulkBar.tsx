import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { Form, useDataProvider, useListContext, useNotify, type Identifier } from "react-admin";
import { useQueryClient } from "@tanstack/react-query";
import { messageOf } from "../api/http";
import { abilities, fieldAccess } from "../api/permissions";
import { fieldPath, toPayload } from "../api/records";
import type { FieldMeta, ResourceMeta, Row } from "../api/types";
import { ConfirmDialog, DialogFrame } from "../common/dialogs";
import { t } from "../i18n";
import { FieldInput } from "./FieldInput";
import { BULK_ACTIONS } from "./panels";

/** The server takes no more records in one deletion. */
const MOST = 10_000;

function BulkEditDialog({ meta, fields, count, onClose, onSubmit }: {
  meta: ResourceMeta; fields: FieldMeta[]; count: number; onClose: () => void; onSubmit: (payload: Record<string, unknown>) => Promise<void>;
}) {
  const [name, setName] = useState(fields[0]?.name ?? "");
  const [busy, setBusy] = useState(false);
  const field = fields.find((item) => item.name === name);
  const submit = async (values: Record<string, unknown>) => {
    if (!field) return;
    const start = field.kind === "boolean" ? {} : undefined;
    const { payload } = toPayload(values, start, [field]);
    // An empty box is meant here: it clears the field.
    const body = Object.keys(payload).length > 0 ? payload : { [fieldPath(field)]: field.kind === "boolean" ? false : null };
    setBusy(true);
    await onSubmit(body);
    setBusy(false);
  };
  return (
    <DialogFrame title={t("resources.bulkEditTitle", { n: count, name: count === 1 ? meta.label : meta.plural })} onClose={onClose}>
      <Form key={name} onSubmit={submit}>
        <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
          <TextField select label={t("resources.field")} value={name} onChange={(event) => setName(event.target.value)}>
            {fields.map((item) => <MenuItem key={item.name} value={item.name}>{item.label}</MenuItem>)}
          </TextField>
          {field && <FieldInput field={field} />}
          <Box sx={{ display: "flex", gap: 1, justifyContent: "flex-end" }}>
            <Button onClick={onClose}>{t("common.cancel")}</Button>
            <Button type="submit" variant="contained" disabled={busy}>{t("common.save")}</Button>
          </Box>
        </Box>
      </Form>
    </DialogFrame>
  );
}

export function BulkBar({ meta }: { meta: ResourceMeta }) {
  const { selectedIds, onUnselectItems, onSelect, data = [], total = 0, sort, filterValues } = useListContext<Row>();
  const [dialog, setDialog] = useState<"delete" | "edit">();
  const provider = useDataProvider();
  const client = useQueryClient();
  const notify = useNotify();
  const may = abilities(meta);
  const editable = meta.fields.filter((field) => {
    const access = fieldAccess(field);
    return !access.hidden && !access.readOnly && !field.unique && field.kind !== "secret" && field.kind !== "html";
  });
  const count = selectedIds.length;
  if (count === 0) return null;

  const Special = BULK_ACTIONS[meta.name];
  const marked = data.filter((row) => selectedIds.includes(row.id));
  // Offered when the whole page is selected and there is more behind it.
  const more = total > count && data.every((row) => selectedIds.includes(row.id));
  const everything = async () => {
    const ids: Identifier[] = [];
    try {
      for (let page = 1; ids.length < Math.min(total, MOST); page++) {
        const { data: rows } = await provider.getList<Row>(meta.name, { pagination: { page, perPage: 500 }, sort, filter: filterValues });
        if (rows.length === 0) break;
        ids.push(...rows.map((row) => row.id));
      }
      onSelect(ids.slice(0, MOST));
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };

  const finish = () => {
    setDialog(undefined);
    void client.invalidateQueries({ queryKey: [meta.name] });
  };
  const remove = async () => {
    try {
      await provider.deleteMany(meta.name, { ids: selectedIds });
      notify(t("resources.bulkDeleted", { n: count }), { type: "success" });
      onUnselectItems();
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
    finish();
  };
  const edit = async (data: Record<string, unknown>) => {
    try {
      const { data: done = [] } = await provider.updateMany(meta.name, { ids: selectedIds, data });
      const failed = count - done.length;
      notify(failed ? t("resources.bulkPartly", { n: done.length, failed }) : t("resources.bulkEdited", { n: done.length }), { type: failed ? "warning" : "success" });
      finish();
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  return (
    <Box role="toolbar" aria-label={t("resources.selected", { n: count })} sx={{ display: "flex", alignItems: "center", gap: 1, px: 2, py: 0.5, bgcolor: "action.selected" }}>
      <Box sx={{ fontWeight: 600 }}>{t("resources.selected", { n: count })}</Box>
      {more && <Button onClick={() => void everything()}>{t("resources.selectMatching", { n: Math.min(total, MOST) })}</Button>}
      {may.edit && editable.length > 0 && <Button onClick={() => setDialog("edit")}>{t("resources.bulkEdit")}</Button>}
      {may.edit && Special && marked.length === count && <Special rows={marked} onDone={() => { onUnselectItems(); finish(); }} />}
      {may.remove && <Button color="error" onClick={() => setDialog("delete")}>{t("resources.bulkDelete")}</Button>}
      <Button color="inherit" onClick={() => onUnselectItems()}>{t("resources.unselect")}</Button>
      {dialog === "delete" && (
        <ConfirmDialog title={t("resources.bulkDeleteTitle", { n: count, name: count === 1 ? meta.label : meta.plural })} hint={t("resources.bulkDeleteHint")}
          action={t("common.delete")} danger onClose={() => setDialog(undefined)} onConfirm={remove} />
      )}
      {dialog === "edit" && <BulkEditDialog meta={meta} fields={editable} count={count} onClose={() => setDialog(undefined)} onSubmit={edit} />}
    </Box>
  );
}
