import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useDataProvider, useNotify } from "react-admin";
import { useSearchParams } from "react-router-dom";
import { ApiError } from "../api/http";
import { isOwn, useLive } from "../api/live";
import { abilities } from "../api/permissions";
import { recordKey } from "../api/records";
import { useSession } from "../api/session";
import type { ResourceMeta, Row } from "../api/types";
import { t } from "../i18n";
import type { Conflict } from "./conflict";
import { ConflictDialog } from "./ConflictDialog";
import { Details } from "./Details";
import { CommonTabs, RecordHead, RecordTabs, tabOf, useRecordOfPage } from "./RecordHead";
import { RecordForm, type FormLayout, type Submission } from "./RecordForm";

export function EditTab({ meta, record, layout, onSaved }: { meta: ResourceMeta; record: Row; layout?: FormLayout; onSaved?: () => void }) {
  const provider = useDataProvider();
  const client = useQueryClient();
  const notify = useNotify();
  const { user } = useSession();
  // The form keeps the version it started from; a newer one is offered, never forced on what is being typed.
  const [start, setStart] = useState(record);
  const [newer, setNewer] = useState<string>();
  const [conflict, setConflict] = useState<Conflict>();
  const dirty = useRef(false);

  useLive("change", (change) => {
    if (change.resource === meta.name && String(change.id) === String(record.id) && change.actor && !isOwn(change, user)) setNewer(change.actor_name || t("resources.someone"));
  });
  useEffect(() => {
    if (!dirty.current) setStart(record);
  }, [record]);

  const write = async (payload: Record<string, unknown>, etag: unknown) => {
    const { data } = await provider.update(meta.name, { id: record.id, data: payload, previousData: start, meta: { etag } });
    const merged = { ...record, ...data, id: record.id } as Row;
    dirty.current = false;
    setNewer(undefined);
    setConflict(undefined);
    setStart(merged);
    client.setQueryData(recordKey(meta.name, record.id), merged);
    void client.invalidateQueries({ queryKey: [meta.name, "getList"] });
    void client.invalidateQueries({ queryKey: ["history", meta.name, String(record.id)] });
    onSaved?.();
    notify(t("common.saved"), { type: "success" });
  };
  const save = async ({ payload, fields }: Submission) => {
    if (Object.keys(payload).length === 0) return;
    try {
      await write(payload, start.__etag);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      const { data: theirs } = await provider.getOne<Row>(meta.name, { id: record.id });
      setConflict({ mine: payload, theirs, fields });
    }
  };
  return (
    <>
      {newer && (
        <Alert severity="info" sx={{ mb: 2 }} data-testid="changed-elsewhere"
          action={<Button color="inherit" onClick={() => { dirty.current = false; setStart(record); setNewer(undefined); }}>{t("resources.takeTheirs")}</Button>}>
          {t("resources.changedElsewhere", { name: newer })}
        </Alert>
      )}
      <RecordForm key={String(start.__etag ?? start.version ?? "")} meta={meta} record={start} layout={layout} submitLabel={t("common.save")} onSubmit={save} onDirty={(value) => { dirty.current = value; }} />
      {conflict && <ConflictDialog conflict={conflict} onClose={() => setConflict(undefined)} onSave={(payload) => write(payload, conflict.theirs.__etag)} />}
    </>
  );
}

export default function RecordPage() {
  const { meta, id, record, title, instead } = useRecordOfPage();
  const [params, setParams] = useSearchParams();
  if (!record) return instead;
  const tab = tabOf(meta, ["details"], params.get("tab"));
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 960 }}>
      <RecordHead meta={meta} record={record} title={title} />
      <RecordTabs meta={meta} own={[["details", t("resources.details")]]} value={tab} onChange={(next) => setParams(next === "details" ? {} : { tab: next }, { replace: true })} />
      {/* The form stays mounted behind the other tabs, so that looking at the history loses nothing typed. */}
      <Box hidden={tab !== "details"}>{abilities(meta).edit ? <EditTab key={String(record.id)} meta={meta} record={record} /> : <Details meta={meta} record={record} />}</Box>
      <CommonTabs meta={meta} id={id} tab={tab} />
    </Box>
  );
}
