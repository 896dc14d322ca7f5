import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { useDataProvider, useNotify } from "react-admin";
import { ApiError, messageOf } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import type { FieldMeta, Row } from "../api/types";
import { t } from "../i18n";
import type { Conflict } from "../resources/conflict";
import { ConflictDialog } from "../resources/ConflictDialog";
import type { useTicketWrites } from "./api";

const RichText = lazy(() => import("../common/RichText"));

/**
 * Edits the summary or the description. It writes against the version that was on screen when editing began,
 * so that a colleague's text saved meanwhile is compared with ours and never overwritten unseen.
 */
export function EditableText({ name, value, etag, ticketId, writes, onClose }: {
  name: "summary" | "description"; value: string; etag: string | null; ticketId: string; writes: ReturnType<typeof useTicketWrites>; onClose: () => void;
}): ReactNode {
  const meta = useResourceMeta("incident");
  const provider = useDataProvider();
  const notify = useNotify();
  const [text, setText] = useState(value);
  const [start] = useState({ etag, value });
  const [conflict, setConflict] = useState<Conflict>();
  const label = t(`ticket.${name}`);
  const field: FieldMeta = meta.fields.find((item) => item.name === name) ?? { name, label, kind: name === "summary" ? "text" : "html" };
  const write = async (changes: Record<string, unknown>, against: string | null) => {
    await writes.update.mutateAsync({ changes, etag: against });
    notify(t("common.saved"), { type: "success" });
    setConflict(undefined);
    onClose();
  };
  const save = async () => {
    if (text === start.value) return onClose();
    try {
      await write({ [name]: text }, start.etag);
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        const { data } = await provider.getOne<Row>("incident", { id: ticketId });
        const basic = (data.basic_info ?? {}) as Record<string, unknown>;
        setConflict({ mine: { [name]: text }, theirs: { ...data, [name]: data[name] ?? basic[name] }, fields: [field] });
      } else notify(messageOf(error), { type: "error" });
    }
  };
  return (
    <Box component="form" aria-label={label} sx={{ display: "grid", gap: 1, width: "100%" }} onSubmit={(event) => { event.preventDefault(); void save(); }}>
      {name === "summary"
        ? <TextField autoFocus label={label} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={(event) => { if (event.key === "Escape") onClose(); }} />
        : <Suspense fallback={<Box sx={{ height: 140 }} />}><RichText autoFocus label={label} value={text} onChange={setText} onSubmit={() => void save()} /></Suspense>}
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button type="submit" variant="contained" disabled={writes.update.isPending || !text.trim()}>{t("common.save")}</Button>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
      </Box>
      {conflict && (
        <ConflictDialog conflict={conflict} onClose={() => setConflict(undefined)}
          onSave={(payload) => (name in payload ? write(payload, (conflict.theirs.__etag as string | null) ?? null) : Promise.resolve(onClose()))} />
      )}
    </Box>
  );
}
