import Alert from "@mui/material/Alert";
import AttachFile from "@mui/icons-material/AttachFile";
import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import FormLabel from "@mui/material/FormLabel";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Form, useNotify } from "react-admin";
import { useNavigate } from "react-router-dom";
import { newKey, verbUrl } from "../api/dataProvider";
import { toUpload } from "../api/files";
import { ApiError, api, messageOf } from "../api/http";
import { useMetadata, useResourceMeta } from "../api/metadata";
import { abilities, fieldAccess } from "../api/permissions";
import { toPayload } from "../api/records";
import { useSession } from "../api/session";
import type { Choice, ChoiceId, FieldMeta } from "../api/types";
import { Forbidden } from "../app/Messages";
import { DropZone } from "../common/DropZone";
import { fileSize } from "../common/format";
import { useDebounced, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ChoiceMark } from "../resources/FieldValue";
import { FieldInput } from "../resources/FieldInput";
import { ReferencePicker } from "../resources/ReferencePicker";
import { searchRequesters, type RequesterHit } from "./api";

const RichText = lazy(() => import("../common/RichText"));
const isEmail = (text: string) => /^\S+@\S+\.\S+$/.test(text.trim());

function RequesterPicker({ path, value, onChange, error }: { path: string; value: RequesterHit | null; onChange: (hit: RequesterHit | null) => void; error?: string }) {
  const [text, setText] = useState("");
  const q = useDebounced(text.trim(), 200);
  const { data = [], isFetching } = useQuery({ queryKey: ["requester-search", q], queryFn: ({ signal }) => searchRequesters(path, q, signal), enabled: q.length >= 2, placeholderData: keepPreviousData });
  const typed: RequesterHit[] = isEmail(text) && !data.some((hit) => hit.email === text.trim()) ? [{ requester_id: "", full_name: t("ticket.requesterNew", { email: text.trim() }), email: text.trim() }] : [];
  return (
    <Autocomplete value={value} options={q.length >= 2 ? [...data, ...typed] : typed} filterOptions={(all) => all} loading={isFetching} autoHighlight
      getOptionLabel={(hit) => (hit.requester_id ? `${hit.full_name} (${hit.email})` : hit.email)} getOptionKey={(hit) => hit.requester_id || hit.email}
      isOptionEqualToValue={(a, b) => a.email === b.email} noOptionsText={t("resources.refUnknown")}
      onInputChange={(_, next, why) => why === "input" && setText(next)} onChange={(_, hit) => onChange(hit)}
      onBlur={() => { if (!value && isEmail(text)) onChange({ requester_id: "", full_name: "", email: text.trim() }); }}
      renderInput={(params) => <TextField {...params} required label={t("ticket.requester")} error={!!error} helperText={error ?? t("ticket.requesterHint")} />} />
  );
}

interface Options {
  urgency?: Choice[];
  impact?: Choice[];
  severity?: Choice[];
  priority_matrix?: Record<string, Record<string, ChoiceId>>;
  priority?: Choice[];
}

export default function NewTicket() {
  const meta = useResourceMeta("incident");
  const { byName } = useMetadata();
  const navigate = useNavigate();
  const notify = useNotify();
  const client = useQueryClient();
  const { user } = useSession();
  // Whoever reports for themselves is not asked who they are.
  const own = user.kind === "requester";
  const [requester, setRequester] = useState<RequesterHit | null>(own ? { requester_id: "", full_name: user.full_name, email: user.email } : null);
  const [values, setValues] = useState({ summary: "", description: "", urgency: "", impact: "", team: null as ChoiceId | null, assignee: null as ChoiceId | null, tags: [] as string[] });
  const [files, setFiles] = useState<File[]>([]);
  const set = (change: Partial<typeof values>) => setValues((before) => ({ ...before, ...change }));
  useTitle(t("ticket.new"));

  const { data: options } = useQuery({
    queryKey: ["incident", "options"],
    queryFn: () => api<{ choices?: Record<string, Choice[]>; extra?: Options }>(verbUrl(meta, "options")),
    enabled: meta.verbs.options !== undefined,
    retry: false,
  });
  const choices = (name: "urgency" | "impact" | "priority"): Choice[] => options?.extra?.[name] ?? options?.choices?.[name] ?? meta.fields.find((field) => field.name === name || field.name === `${name}_id`)?.choices ?? [];
  const custom: FieldMeta[] = meta.fields.filter((field) => field.custom && !fieldAccess(field).hidden && !fieldAccess(field).readOnly);

  const { mutate, isPending, error } = useMutation({
    mutationFn: async (customValues: Record<string, unknown>) => {
      const { payload } = toPayload(customValues, undefined, custom);
      const attachment = await Promise.all(files.map(toUpload));
      const body: Record<string, unknown> = {
        summary: values.summary.trim(), description: values.description, requester_email: requester?.email,
        ...(requester && requester.requester_id ? { requester_name: requester.full_name, requester_id: requester.requester_id } : {}),
        ...(values.urgency ? { urgency: choices("urgency").find((choice) => String(choice.id) === values.urgency)?.id } : {}),
        ...(values.impact ? { impact: choices("impact").find((choice) => String(choice.id) === values.impact)?.id } : {}),
        ...(values.team !== null ? { support_group: values.team } : {}),
        ...(values.assignee !== null ? { assignee: values.assignee } : {}),
        ...(values.tags.length ? { tag: values.tags } : {}),
        ...(payload.custom_field_data ? { custom_field: payload.custom_field_data } : {}),
        ...(attachment.length ? { attachment } : {}),
      };
      return api<{ id: ChoiceId; data?: Record<string, unknown> }>(meta.path, { method: "POST", body, headers: { "Idempotency-Key": newKey() } });
    },
    onSuccess: (answer) => {
      const shown = String(answer.data?.display_id ?? answer.id);
      void client.invalidateQueries({ queryKey: ["incident", "getList"] });
      notify(t("ticket.createdNotice", { id: shown }), { type: "success" });
      navigate(`/incident/${encodeURIComponent(shown)}`);
    },
  });
  if (!abilities(meta).create) return <Forbidden name={meta.plural} />;

  const fieldErrors = error instanceof ApiError ? error.fields : {};
  const matrix = options?.extra?.priority_matrix;
  const priorityId = matrix?.[values.impact]?.[values.urgency];
  const priority = priorityId === undefined ? undefined : choices("priority").find((choice) => String(choice.id) === String(priorityId));
  const team = byName.get("team");
  const people = byName.get("user");
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 820 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{t("ticket.new")}</Typography>
      <Form onSubmit={(customValues: Record<string, unknown>) => mutate(customValues)} noValidate aria-label={t("ticket.new")}>
        <Box sx={{ display: "grid", gap: 2 }}>
          {error && <Alert severity="error" data-testid="form-error">{messageOf(error)}</Alert>}
          {!own && <RequesterPicker path={meta.path} value={requester} onChange={setRequester} error={(fieldErrors.requester_email ?? fieldErrors.requester)?.[0]} />}
          <TextField label={t("ticket.summary")} name="summary" required value={values.summary} onChange={(event) => set({ summary: event.target.value })} error={!!fieldErrors.summary} helperText={fieldErrors.summary?.[0]} />
          <DropZone onFiles={(added) => setFiles((before) => [...before, ...added])} inputLabel={t("ticket.attach")}>
            {(choose) => (
              <>
                <FormLabel sx={{ fontSize: 12 }}>{t("ticket.description")}</FormLabel>
                <Suspense fallback={<Box sx={{ height: 160 }} />}>
                  <RichText label={t("ticket.description")} value={values.description} onChange={(description) => set({ description })}
                    extra={<Button color="inherit" startIcon={<AttachFile />} onClick={choose}>{t("ticket.attach")}</Button>} />
                </Suspense>
                <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.5, mt: files.length ? 1 : 0 }}>
                  {files.map((file, index) => <Chip key={index} label={`${file.name} (${fileSize(file.size)})`} onDelete={() => setFiles(files.filter((item) => item !== file))} />)}
                </Box>
                {(fieldErrors.description ?? fieldErrors.attachment) && <Alert severity="error">{(fieldErrors.description ?? fieldErrors.attachment)?.[0]}</Alert>}
              </>
            )}
          </DropZone>
          <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>
            {(["impact", "urgency"] as const).map((name) => (
              <TextField key={name} select label={t(`ticket.${name}`)} value={values[name]} error={!!fieldErrors[name]} helperText={fieldErrors[name]?.[0]} onChange={(event) => set({ [name]: event.target.value })}>
                <MenuItem value=""><em>{t("common.none")}</em></MenuItem>
                {choices(name).map((choice) => <MenuItem key={choice.id} value={String(choice.id)}><ChoiceMark name={choice.name} color={choice.color} /></MenuItem>)}
              </TextField>
            ))}
            {team && <ReferencePicker label={t("ticket.team")} target={team} value={values.team} onChange={(id) => set({ team: id })} error={fieldErrors.support_group?.[0]} />}
            {people && <ReferencePicker label={t("ticket.assignee")} target={people} value={values.assignee} onChange={(id) => set({ assignee: id })} error={fieldErrors.assignee?.[0]} />}
            <Autocomplete multiple freeSolo autoSelect options={[] as string[]} value={values.tags} onChange={(_, tags) => set({ tags })} renderInput={(params) => <TextField {...params} label={t("ticket.tags")} helperText={t("ticket.tagsHint")} />} />
          </Box>
          {priority && <Typography data-testid="matrix-priority">{t("ticket.priorityFrom", { name: priority.name })}</Typography>}
          {custom.length > 0 && <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" } }}>{custom.map((field) => <FieldInput key={field.name} field={field} />)}</Box>}
          <Box sx={{ display: "flex", gap: 1 }}>
            <Button type="submit" variant="contained" disabled={isPending || !values.summary.trim() || !requester}>{isPending ? t("common.saving") : t("ticket.createButton")}</Button>
            <Button onClick={() => navigate("/incident")}>{t("common.cancel")}</Button>
          </Box>
        </Box>
      </Form>
    </Box>
  );
}
