import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Step from "@mui/material/Step";
import StepLabel from "@mui/material/StepLabel";
import Stepper from "@mui/material/Stepper";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useResourceContext } from "react-admin";
import { Link, useSearchParams } from "react-router-dom";
import { verbUrl } from "../api/dataProvider";
import { api, messageOf, send } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import type { ResourceMeta } from "../api/types";
import { Failure, Forbidden, Waiting } from "../app/Messages";
import { DropZone } from "../common/DropZone";
import { count } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ErrorTable, type RowError } from "./ErrorTable";
import { isOver, sentMapping, startMapping, type ImportColumn, type Mapping, type TaskState } from "./mapping";
import { MappingStep } from "./MappingStep";
import { TaskProgress } from "./TaskProgress";
import { useTask } from "./useTask";

export interface Uploaded {
  columns: ImportColumn[];
  headers: string[];
  sample: unknown[][];
  mapping?: Mapping | null;
  file: string;
  rows: number;
}

interface Checked {
  valid: number;
  invalid: number;
  errors: RowError[];
}

type Finished = Partial<TaskState> & { task?: string };

function UploadStep({ meta, onDone }: { meta: ResourceMeta; onDone: (uploaded: Uploaded, name: string) => void }) {
  const [reading, setReading] = useState<string>();
  const [error, setError] = useState<string>();
  const upload = async (files: File[]) => {
    const file = files[0];
    if (!file) return;
    if (!/\.(csv|txt|xlsx)$/i.test(file.name) && !file.type.includes("csv")) return setError(t("imports.notCsv", { name: file.name }));
    setError(undefined);
    setReading(file.name);
    try {
      const form = new FormData();
      form.append("file", file);
      onDone(await api<Uploaded>(verbUrl(meta, "columns"), { method: "POST", body: form }), file.name);
    } catch (cause) {
      setError(messageOf(cause));
    }
    setReading(undefined);
  };
  return (
    <DropZone accept=".csv,.txt,.xlsx,text/csv" multiple={false} onFiles={(files) => void upload(files)} inputLabel={t("imports.choose")}>
      {(choose) => (
        <Box sx={{ border: 1, borderStyle: "dashed", borderColor: "divider", borderRadius: 1, p: 4, display: "grid", gap: 1.5, justifyItems: "center", textAlign: "center" }}>
          {error && <Alert severity="error" data-testid="import-error">{error}</Alert>}
          <Typography>{t("imports.uploadHint")}</Typography>
          <Button variant="contained" onClick={choose} disabled={!!reading}>{reading ? t("imports.reading", { name: reading }) : t("imports.choose")}</Button>
          <Typography color="text.secondary">{t("imports.drop")}</Typography>
          {meta.verbs.template !== undefined && <Button component="a" href={verbUrl(meta, "template")} download>{t("imports.template")}</Button>}
        </Box>
      )}
    </DropZone>
  );
}

function RunStep({ meta, id, finished, onAgain }: { meta: ResourceMeta; id: string | null; finished?: Finished; onAgain: () => void }) {
  const { data, error, refetch } = useTask(finished ? null : id);
  const client = useQueryClient();
  const total = (finished?.created ?? 0) + (finished?.updated ?? 0) + (finished?.failed ?? 0);
  const task: TaskState | undefined = finished ? { id: id ?? "", status: "succeeded", total, done: total, ...finished } : data;
  const over = !!task && isOver(task.status);
  useEffect(() => {
    if (over) void client.invalidateQueries({ queryKey: [meta.name, "getList"] });
  }, [over, client, meta.name]);
  if (error && !task) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!task) return <Waiting />;
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <TaskProgress task={task} />
      {over && (
        <Box sx={{ display: "flex", gap: 1 }}>
          <Button variant="contained" component={Link} to={`/${meta.name}`}>{t("imports.toList", { name: meta.plural.toLowerCase() })}</Button>
          <Button onClick={onAgain}>{t("imports.again")}</Button>
        </Box>
      )}
    </Box>
  );
}

export default function ImportWizard() {
  const meta = useResourceMeta(useResourceContext() ?? "");
  // The job is in the address: the page can be left, shared and come back to.
  const [params, setParams] = useSearchParams();
  const task = params.get("task");
  const [uploaded, setUploaded] = useState<{ data: Uploaded; name: string }>();
  const [mapping, setMapping] = useState<Mapping>({});
  const [checked, setChecked] = useState<Checked>();
  const [finished, setFinished] = useState<Finished>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const title = t("imports.title", { name: meta.plural.toLowerCase() });
  useTitle(title);
  if (!abilities(meta).import) return <Forbidden name={meta.plural} />;

  const step = task || finished ? 3 : checked ? 2 : uploaded ? 1 : 0;
  const guarded = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (cause) {
      setError(messageOf(cause));
    }
    setBusy(false);
  };
  const body = () => ({ file: uploaded?.data.file, mapping: sentMapping(mapping) });
  const check = () => guarded(async () => setChecked(await api<Checked>(verbUrl(meta, "validate"), { method: "POST", body: body() })));
  const run = () => guarded(async () => {
    const { data: answer, status } = await send<Finished>(verbUrl(meta, "import"), { method: "POST", body: body() });
    // Small files are done at once; 202 means a job to follow, whose counts are not known yet.
    if (status !== 202) setFinished({ ...answer, status: "succeeded" });
    if (answer.task) setParams({ task: answer.task }, { replace: true });
  });
  const again = () => {
    setUploaded(undefined);
    setChecked(undefined);
    setFinished(undefined);
    setParams({}, { replace: true });
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 960, display: "grid", gap: 2 }} data-testid="import-wizard" data-step={["upload", "map", "check", "run"][step]}>
      <Typography variant="h1">{title}</Typography>
      <Stepper activeStep={step} alternativeLabel sx={{ maxWidth: 640 }}>
        {(["upload", "map", "check", "run"] as const).map((name) => <Step key={name}><StepLabel>{t(`imports.steps.${name}`)}</StepLabel></Step>)}
      </Stepper>
      {error && <Alert severity="error" data-testid="import-error">{error}</Alert>}
      {step === 0 && (
        <UploadStep meta={meta} onDone={(data, name) => { setUploaded({ data, name }); setMapping(startMapping(data.headers, data.columns, data.mapping)); }} />
      )}
      {step === 1 && uploaded && (
        <MappingStep uploaded={uploaded.data} name={uploaded.name} mapping={mapping} busy={busy} onChange={setMapping} onBack={() => setUploaded(undefined)} onNext={() => void check()} />
      )}
      {step === 2 && checked && (
        <Box sx={{ display: "grid", gap: 1.5 }}>
          <Alert severity={checked.valid ? "success" : "error"} data-testid="valid-rows">{checked.valid ? t("imports.valid", { n: count(checked.valid) }) : t("imports.allInvalid")}</Alert>
          {checked.invalid > 0 && <Alert severity="warning" data-testid="invalid-rows">{t("imports.invalid", { n: count(checked.invalid) })}</Alert>}
          {checked.errors.length > 0 && <ErrorTable errors={checked.errors} />}
          <Box sx={{ display: "flex", gap: 1 }}>
            <Button onClick={() => setChecked(undefined)}>{t("common.back")}</Button>
            <Button variant="contained" disabled={busy || checked.valid === 0} onClick={() => void run()}>{busy ? t("imports.running") : t("imports.run", { n: count(checked.valid) })}</Button>
          </Box>
        </Box>
      )}
      {step === 3 && <RunStep meta={meta} id={task} finished={finished} onAgain={again} />}
    </Box>
  );
}
