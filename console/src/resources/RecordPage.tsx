import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { Link, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { ApiError, messageOf } from "../api/http";
import { isOwn, useLive } from "../api/live";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { recordKey, titleOf } from "../api/records";
import { useSession } from "../api/session";
import type { ResourceMeta, Row } from "../api/types";
import { Failure, Forbidden, NotFound, Waiting } from "../app/Messages";
import { ConfirmDialog } from "../common/dialogs";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { Attachments } from "./Attachments";
import { Comments } from "./Comments";
import type { Conflict } from "./conflict";
import { ConflictDialog } from "./ConflictDialog";
import { Details } from "./Details";
import { History } from "./History";
import { RecordForm, type FormLayout, type Submission } from "./RecordForm";

export function useRecord(resource: string, id: string) {
  const provider = useDataProvider();
  return useQuery({
    queryKey: recordKey(resource, id),
    queryFn: async ({ signal }) => (await provider.getOne<Row>(resource, { id, signal })).data,
  });
}

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
  const meta = useResourceMeta(useResourceContext() ?? "");
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { data: record, error, refetch } = useRecord(meta.name, id);
  const { user } = useSession();
  const navigate = useNavigate();
  const provider = useDataProvider();
  const client = useQueryClient();
  const notify = useNotify();
  const [deleting, setDeleting] = useState(false);
  const title = record ? titleOf(record, meta) : "";
  useTitle(title || meta.label);
  useEffect(() => {
    if (record) rememberRecent(user.profile_id, { resource: meta.name, id, title });
  }, [record, meta.name, id, title, user.profile_id]);

  if (error instanceof ApiError && error.status === 403) return <Forbidden name={meta.label} />;
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error && !record) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!record) return <Waiting />;

  const may = abilities(meta);
  const tabs = ["details", ...(["comments", "attachments", "history"] as const).filter((verb) => meta.verbs[verb] !== undefined)] as ("details" | "comments" | "attachments" | "history")[];
  const wanted = params.get("tab");
  const tab = tabs.find((name) => name === wanted) ?? "details";
  const remove = async () => {
    try {
      await provider.delete(meta.name, { id: record.id });
      void client.invalidateQueries({ queryKey: [meta.name, "getList"] });
      notify(t("common.deleted"), { type: "success" });
      navigate(`/${meta.name}`);
    } catch (cause) {
      notify(messageOf(cause), { type: "error" });
      setDeleting(false);
    }
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 960 }}>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to={`/${meta.name}`}>{meta.plural}</Link></Breadcrumbs>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center" }}>
        <Typography variant="h1" sx={{ flex: 1, overflowWrap: "anywhere" }}>{title}</Typography>
        {may.remove && <Button color="error" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
      </Box>
      <Tabs value={tab} onChange={(_, next: string) => setParams(next === "details" ? {} : { tab: next }, { replace: true })} sx={{ borderBottom: 1, borderColor: "divider", mb: 2 }} variant="scrollable">
        {tabs.map((name) => <Tab key={name} value={name} label={t(`resources.${name}`)} />)}
      </Tabs>
      {/* The form stays mounted behind the other tabs, so that looking at the history loses nothing typed. */}
      <Box hidden={tab !== "details"}>{may.edit ? <EditTab key={String(record.id)} meta={meta} record={record} /> : <Details meta={meta} record={record} />}</Box>
      {tab === "comments" && <Comments meta={meta} id={id} />}
      {tab === "attachments" && <Attachments meta={meta} id={id} />}
      {tab === "history" && <History meta={meta} id={id} />}
      {deleting && <ConfirmDialog title={t("resources.deleteTitle", { name: title })} hint={t("resources.bulkDeleteHint")} action={t("common.delete")} danger onClose={() => setDeleting(false)} onConfirm={remove} />}
    </Box>
  );
}
