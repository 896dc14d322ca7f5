import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Chip from "@mui/material/Chip";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { Link, useNavigate, useParams } from "react-router-dom";
import { ApiError, api, messageOf } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities, allows } from "../api/permissions";
import { Failure, NotFound, Waiting } from "../app/Messages";
import { PlainTable, Section, useTask } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { count, dateTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { t, type TextKey } from "../i18n";
import { ReferencePicker } from "../resources/ReferencePicker";
import { PIPELINES, putInForce, readHealth, readOptions, readPipeline, readVersions, rollback, savePipeline, type PipelineRecord } from "./api";
import { place, type PipelineOptions, type Stage } from "./model";
import { Preview } from "./Preview";
import { StageList } from "./StageList";

const STATES = ["draft", "stopped", "running", "changed", "broken"];
const stateName = (state: string) => (STATES.includes(state) ? t(`pipeline.state.${state}` as TextKey) : state);
const EMPTY = { name: "", description: "", condition: "", stages: [] as Stage[], enabled: true, position: 100, passing: false, parent: null as string | null };
type Draft = typeof EMPTY;

function draftOf(record: PipelineRecord): Draft {
  const { name, description, condition, stages, enabled, position, passing, parent } = record;
  return { name, description, condition, stages, enabled, position, passing, parent };
}

function Versions({ id, newest, may, onChanged, onOpen }: { id: string; newest: number; may: boolean; onChanged: () => void; onOpen: (condition: string, stages: Stage[]) => void }) {
  const notify = useNotify();
  const { busy, run } = useTask();
  const { data } = useQuery({ queryKey: ["pipeline-versions", id], queryFn: ({ signal }) => readVersions(id, signal) });
  const back = (version: number) => run(async () => {
    notify((await rollback(id, version)).msg, { type: "success" });
    onChanged();
  });
  return (
    <Section title={t("pipeline.versions")} testId="versions">
      <PlainTable label={t("pipeline.versions")} head={["", t("pipeline.note"), "", ""]}
        rows={(data?.results ?? []).map((version) => ({
          key: String(version.number),
          cells: [<span key="n">{version.number} {version.in_force && <Chip size="small" color="success" variant="outlined" label={t("pipeline.inForce")} />}</span>, version.note, `${version.created_by_name} ${dateTime(version.created_at)}`,
            <Box key="do" sx={{ display: "flex", gap: 0.5 }}>
              <Button size="small" onClick={() => onOpen(version.condition, version.stages)}>{t("pipeline.open")}</Button>
              {may && !version.in_force && version.number < newest && <Button size="small" disabled={busy} onClick={() => void back(version.number)}>{t("pipeline.rollback")}</Button>}
            </Box>],
        }))} />
    </Section>
  );
}

function HealthOf({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ["pipeline-health", id], queryFn: ({ signal }) => readHealth(id, signal), refetchInterval: 15_000, retry: false });
  const health = data?.results[0];
  if (!health) return null;
  const row = (key: string, name: string, item: { lines_in: number; lines_out: number; failed: number; microseconds: number }) =>
    ({ key, cells: [name, count(item.lines_in), count(item.lines_out), count(item.failed), item.microseconds.toFixed(1)] });
  return (
    <Section title={`${t("pipeline.health")} · ${t("pipeline.healthHint")}`}>
      {health.problem && <Alert severity="error" sx={{ mb: 1 }}>{health.problem}</Alert>}
      {health.lines_in === 0 ? <Typography color="text.secondary">{t("pipeline.noHealth")}</Typography> : (
        <PlainTable label={t("pipeline.health")} head={[t("pipeline.stage"), `#${t("pipeline.linesIn")}`, `#${t("pipeline.linesOut")}`, `#${t("pipeline.failed")}`, `#${t("pipeline.micros")}`]}
          rows={[row("", stateName(health.state), health), ...health.stages.map((stage) => row(stage.path, `${place(stage.path)} ${stage.type} ${stage.name}`, stage))]} />
      )}
    </Section>
  );
}

function Editor({ record, etag, options, onChanged }: { record?: PipelineRecord; etag?: string | null; options: PipelineOptions; onChanged: (id: string) => void }) {
  const meta = useResourceMeta("log_pipeline");
  const may = abilities(meta);
  const execute = allows(meta, "execute");
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, run } = useTask();
  const [start] = useState<Draft>(() => (record ? draftOf(record) : EMPTY));
  const [draft, setDraft] = useState<Draft>(start);
  const [opened, setOpened] = useState(0);
  const [note, setNote] = useState("");
  const [failure, setFailure] = useState<string>();
  const [deleting, setDeleting] = useState(false);
  const title = record?.name ?? t("pipeline.pipelineNew");
  const dirty = JSON.stringify(draft) !== JSON.stringify(start);
  useTitle(title);
  const put = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const save = async () => {
    setFailure(undefined);
    try {
      const id = await savePipeline(record?.id, { ...draft, ...(note ? { note } : {}) }, etag);
      notify(record ? t("common.saved") : t("pipeline.created"), { type: "success" });
      onChanged(record?.id ?? id);
    } catch (error) {
      setFailure(messageOf(error));
    }
  };
  const force = () => run(async () => {
    notify((await putInForce(record?.id ?? "", 0)).msg, { type: "success" });
    onChanged(record?.id ?? "");
  });
  const remove = async () => {
    await run(() => api(`${PIPELINES}${record?.id ?? ""}/`, { method: "DELETE" }).then(() => navigate("/log_pipeline")));
    setDeleting(false);
  };
  const canSave = record ? may.edit : may.create;
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to="/log_pipeline">{meta.plural}</Link></Breadcrumbs>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 2 }}>
        <Typography variant="h1">{title}</Typography>
        {record && <Chip label={stateName(record.state)} color={record.state === "broken" ? "error" : record.state === "running" ? "success" : "default"} variant="outlined" data-testid="pipeline-state" />}
        {dirty && <Typography color="text.secondary">{t("pipeline.unsaved")}</Typography>}
        <Box sx={{ flex: 1 }} />
        {record && may.remove && <Button color="error" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
        {record && canSave && dirty && <TextField label={t("pipeline.note")} value={note} onChange={(event) => setNote(event.target.value)} fullWidth={false} />}
        {record && execute && (record.in_force !== record.revision || dirty) && <Button variant="outlined" disabled={busy || dirty} title={dirty ? t("pipeline.forceUnsaved") : undefined} onClick={() => void force()}>{t("pipeline.force")}</Button>}
        {canSave && <Button variant="contained" disabled={busy || !draft.name || (!!record && !dirty)} onClick={() => void save()}>{record ? t("pipeline.saveAs") : t("common.create")}</Button>}
      </Box>
      {failure && <Alert severity="error" sx={{ mb: 2 }} data-testid="form-error">{failure}</Alert>}
      <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,1fr) minmax(0,1fr)" } }}>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          <TextField required label={t("pipeline.name")} value={draft.name} onChange={(event) => put({ name: event.target.value })} />
          <TextField label={t("pipeline.description")} value={draft.description} onChange={(event) => put({ description: event.target.value })} />
          <TextField multiline label={t("pipeline.condition")} value={draft.condition} helperText={t("pipeline.conditionHint")} onChange={(event) => put({ condition: event.target.value })} slotProps={{ input: { sx: { fontFamily: "monospace", fontSize: 13 } } }} />
          <Section title={t("pipeline.stages")}><StageList key={opened} stages={draft.stages} options={options} onChange={(stages) => put({ stages })} /></Section>
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
            <FormControlLabel label={t("pipeline.enabled")} control={<Checkbox checked={draft.enabled} onChange={(event) => put({ enabled: event.target.checked })} />} />
            <FormControlLabel label={t("pipeline.passing")} control={<Checkbox checked={draft.passing} onChange={(event) => put({ passing: event.target.checked })} />} />
            <TextField type="number" label={t("pipeline.position")} value={draft.position} onChange={(event) => put({ position: Number(event.target.value) })} sx={{ width: 110 }} />
            <Box sx={{ width: 220 }}><ReferencePicker label={t("pipeline.parent")} target={meta} value={draft.parent} onChange={(value) => put({ parent: value === null ? null : String(value) })} /></Box>
          </Box>
        </Box>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          <Section title={t("pipeline.preview")} testId="preview"><Preview pipeline={record?.id} stages={draft.stages} condition={draft.condition} /></Section>
          {record && <HealthOf id={record.id} />}
          {record && <Versions id={record.id} newest={record.revision} may={execute && may.edit} onChanged={() => onChanged(record.id)} onOpen={(condition, stages) => { put({ condition, stages }); setOpened((before) => before + 1); }} />}
        </Box>
      </Box>
      {deleting && <ConfirmDialog title={t("resources.deleteTitle", { name: title })} action={t("common.delete")} danger onClose={() => setDeleting(false)} onConfirm={remove} />}
    </Box>
  );
}

const useOptions = () => useQuery({ queryKey: ["pipeline-options"], queryFn: ({ signal }) => readOptions(signal) });

export function NewPipeline() {
  const navigate = useNavigate();
  const { data: options, error } = useOptions();
  if (error) return <Failure error={error} />;
  return options ? <Editor options={options} onChanged={(id) => navigate(`/log_pipeline/${id}`)} /> : <Waiting />;
}

export default function PipelinePage() {
  const { id = "" } = useParams();
  const client = useQueryClient();
  const { data: options } = useOptions();
  const { data, error, refetch } = useQuery({ queryKey: ["log_pipeline", "one", id], queryFn: ({ signal }) => readPipeline(id, signal), refetchOnWindowFocus: false });
  const again = () => {
    void refetch();
    for (const name of ["pipeline-versions", "pipeline-health"]) void client.invalidateQueries({ queryKey: [name, id] });
    void client.invalidateQueries({ queryKey: ["log_pipeline", "getList"] });
  };
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data || !options) return <Waiting />;
  return <Editor key={data.etag} record={data.record} etag={data.etag} options={options} onChanged={again} />;
}
