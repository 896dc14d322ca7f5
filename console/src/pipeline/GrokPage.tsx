import Alert from "@mui/material/Alert";
import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useNotify } from "react-admin";
import { Link, useNavigate, useParams } from "react-router-dom";
import { ApiError, api, messageOf, send, type FieldErrors } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { recordKey } from "../api/records";
import { Failure, NotFound, Waiting } from "../app/Messages";
import { Section, useTask } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { readLines } from "../logs/api";
import { GROK, readPatterns, type NamedPattern } from "./grokApi";
import { GrokTester } from "./GrokTester";
import { linesOf } from "./model";

interface GrokRecord {
  id: string;
  name: string;
  pattern: string;
  description: string;
  samples: string[];
}

interface Draft {
  name: string;
  pattern: string;
  description: string;
  samples: string;
}

const mono = { input: { sx: { fontFamily: "monospace", fontSize: 13 } } };

function Editor({ record, etag, onSaved }: { record?: GrokRecord; etag?: string | null; onSaved: (id: string) => void }) {
  const meta = useResourceMeta("log_grok_pattern");
  const may = abilities(meta);
  const navigate = useNavigate();
  const notify = useNotify();
  const { busy, run } = useTask();
  const [draft, setDraft] = useState<Draft>({ name: record?.name ?? "", pattern: record?.pattern ?? "", description: record?.description ?? "", samples: (record?.samples ?? []).join("\n") });
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<string>();
  const [deleting, setDeleting] = useState(false);
  const expression = useRef<HTMLTextAreaElement>(null);
  const { data: known } = useQuery({ queryKey: ["grok-patterns"], queryFn: ({ signal }) => readPatterns("", signal), staleTime: 60_000 });
  const put = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const title = record?.name ?? t("pipeline.grokNew");
  useTitle(title);
  const save = async () => {
    setErrors({});
    setFailure(undefined);
    try {
      const { data } = await send<{ id: string }>(record ? `${GROK}${record.id}/` : GROK, {
        method: record ? "PATCH" : "POST", headers: etag ? { "If-Match": etag } : undefined, body: { ...draft, samples: linesOf(draft.samples) },
      });
      notify(t("common.saved"), { type: "success" });
      onSaved(record?.id ?? data.id);
    } catch (error) {
      if (error instanceof ApiError) setErrors(error.fields);
      setFailure(messageOf(error));
    }
  };
  const insert = (item: NamedPattern | null) => {
    if (!item) return;
    const at = expression.current?.selectionStart ?? draft.pattern.length;
    put({ pattern: `${draft.pattern.slice(0, at)}%{${item.name}}${draft.pattern.slice(at)}` });
  };
  const takeRecent = () => run(async () => {
    const { results } = await readLines({ query: "", from: "now-7d", to: "" }, "");
    if (results.length === 0) return void notify(t("pipeline.noRecent"), { type: "info" });
    put({ samples: [...new Set(results.map((line) => line.message))].slice(0, 20).join("\n") });
  });
  const remove = async () => {
    await run(() => api(`${GROK}${record?.id ?? ""}/`, { method: "DELETE" }).then(() => navigate(`/${meta.name}`)));
    setDeleting(false);
  };
  const canSave = record ? may.edit : may.create;
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to={`/${meta.name}`}>{meta.plural}</Link></Breadcrumbs>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", mb: 2 }}>
        <Typography variant="h1" sx={{ flex: 1 }}>{title}</Typography>
        {record && may.remove && <Button color="error" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
        {canSave && <Button variant="contained" disabled={busy || !draft.name || !draft.pattern} onClick={() => void save()}>{record ? t("common.save") : t("common.create")}</Button>}
      </Box>
      {failure && <Alert severity="error" sx={{ mb: 2 }} data-testid="form-error">{failure}</Alert>}
      <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,1fr) minmax(0,1fr)" } }}>
        <Box sx={{ display: "grid", gap: 2 }}>
          <TextField required label={t("pipeline.name")} value={draft.name} error={!!errors.name} helperText={errors.name?.join(" ")} onChange={(event) => put({ name: event.target.value })} slotProps={mono} />
          <TextField required multiline minRows={2} label={t("pipeline.pattern")} value={draft.pattern} inputRef={expression} error={!!errors.pattern} helperText={errors.pattern?.join(" ")} onChange={(event) => put({ pattern: event.target.value })} slotProps={mono} />
          <Autocomplete options={known?.results ?? []} value={null} blurOnSelect clearOnBlur getOptionLabel={(item) => item.name} getOptionKey={(item) => item.name} groupBy={(item) => item.category}
            onChange={(_, item) => insert(item)}
            renderOption={({ key, ...props }, item) => <Box component="li" key={key} {...props} sx={{ display: "flex", gap: 1 }}><code>{item.name}</code><Box component="span" sx={{ color: "text.secondary", fontSize: 11, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{item.pattern}</Box></Box>}
            renderInput={(params) => <TextField {...params} label={t("pipeline.wellKnown")} placeholder={t("pipeline.searchPatterns")} />} />
          <TextField label={t("pipeline.description")} value={draft.description} onChange={(event) => put({ description: event.target.value })} />
          <TextField multiline minRows={5} maxRows={16} label={t("pipeline.samples")} value={draft.samples} error={!!errors.samples} helperText={errors.samples?.join(" ") ?? t("pipeline.samplesSaved")} onChange={(event) => put({ samples: event.target.value })} slotProps={mono} />
          <Box><Button disabled={busy} onClick={() => void takeRecent()}>{t("pipeline.takeRecent")}</Button></Box>
        </Box>
        <Section title={t("pipeline.fields")} testId="grok-tester"><GrokTester pattern={draft.pattern} samples={draft.samples} onRewrite={(pattern) => put({ pattern })} /></Section>
      </Box>
      {deleting && <ConfirmDialog title={t("resources.deleteTitle", { name: title })} action={t("common.delete")} danger onClose={() => setDeleting(false)} onConfirm={remove} />}
    </Box>
  );
}

export function NewGrok() {
  const navigate = useNavigate();
  return <Editor onSaved={(id) => navigate(`/log_grok_pattern/${id}`)} />;
}

export default function GrokPage() {
  const { id = "" } = useParams();
  const client = useQueryClient();
  const key = recordKey("log_grok_pattern", id);
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => send<GrokRecord>(`${GROK}${encodeURIComponent(id)}/`, { signal }) });
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return <Editor key={data.etag} record={data.data} etag={data.etag} onSaved={() => void client.invalidateQueries({ queryKey: key })} />;
}
