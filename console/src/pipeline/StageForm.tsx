import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { t } from "../i18n";
import { formOf, mapOf, mapText, type PipelineOptions, type Property, type InputKind, type Stage, type StageType } from "./model";
import { StageList } from "./StageList";

const words = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
const mono = { input: { sx: { fontFamily: "monospace", fontSize: 13 } } };

/** Text that is read as a map: what is typed stays as it is until the field is left. */
function MapInput({ label, value, onChange }: { label: string; value: unknown; onChange: (value: Record<string, string>) => void }) {
  const [text, setText] = useState(() => mapText(value));
  return <TextField multiline minRows={2} label={label} value={text} helperText={t("pipeline.mapHint")} slotProps={mono} onChange={(event) => { setText(event.target.value); onChange(mapOf(event.target.value)); }} />;
}

function ListInput({ label, value, onChange }: { label: string; value: unknown; onChange: (value: string[]) => void }) {
  const [text, setText] = useState(() => (Array.isArray(value) ? value.join("\n") : ""));
  return <TextField multiline minRows={1} maxRows={8} label={label} value={text} helperText={t("pipeline.listHint")} slotProps={mono} onChange={(event) => { setText(event.target.value); onChange(event.target.value.split("\n").filter((line) => line.trim() !== "")); }} />;
}

function Input({ stage, name, property, kind, required, options, onChange }: {
  stage: Stage; name: string; property: Property; kind: InputKind; required: boolean; options: PipelineOptions; onChange: (value: unknown) => void;
}) {
  const label = words(name) + (required ? " *" : "");
  const value = stage[name] ?? property.default;
  if (kind === "flag") return <FormControlLabel label={label} control={<Checkbox checked={!!value} onChange={(event) => onChange(event.target.checked)} />} />;
  if (kind === "stages") {
    return (
      <Box sx={{ gridColumn: "1 / -1", pl: 2, borderLeft: 2, borderColor: "divider" }}>
        <Box sx={{ fontWeight: 600, mb: 1 }}>{label}</Box>
        <StageList stages={Array.isArray(value) ? (value as Stage[]) : []} options={options} onChange={onChange} />
      </Box>
    );
  }
  const choices = name === "kinds" ? options.mask_kinds : undefined;
  if (kind === "list" && choices) {
    return <Autocomplete multiple disableCloseOnSelect options={choices} value={Array.isArray(value) ? (value as string[]) : []} onChange={(_, next) => onChange(next)} renderInput={(params) => <TextField {...params} label={label} />} />;
  }
  if (kind === "list") return <ListInput label={label} value={value} onChange={onChange} />;
  if (kind === "map") return <MapInput label={label} value={value} onChange={onChange} />;
  const named = name === "table" ? options.lookup_tables : name === "pipeline" ? options.pipelines : undefined;
  if (named) {
    return (
      <TextField select label={label} value={named.some((item) => item.id === value || item.name === value) ? (named.find((item) => item.id === value || item.name === value)?.name ?? "") : ""} onChange={(event) => onChange(event.target.value)}>
        <MenuItem value=""><em>{t("common.none")}</em></MenuItem>
        {named.map((item) => <MenuItem key={item.id} value={item.name}>{item.name}</MenuItem>)}
      </TextField>
    );
  }
  return (
    <TextField label={label} type={kind === "number" ? "number" : "text"} value={value === null || value === undefined ? "" : String(value)} slotProps={mono}
      onChange={(event) => onChange(kind === "number" ? Number(event.target.value) : event.target.value === "" && property.anyOf ? null : event.target.value)} />
  );
}

/** The form of one stage, from the schema of its kind; as JSON for whoever types faster than they click. */
export function StageForm({ stage, kind, options, onChange }: { stage: Stage; kind: StageType | undefined; options: PipelineOptions; onChange: (stage: Stage) => void }) {
  const [text, setText] = useState<string>();
  const [broken, setBroken] = useState(false);
  const put = (name: string, value: unknown) => onChange({ ...stage, [name]: value });
  if (text !== undefined || !kind) {
    return (
      <Box sx={{ display: "grid", gap: 1 }}>
        <TextField multiline minRows={4} label={stage.type} value={text ?? JSON.stringify(stage, null, 2)} error={broken} helperText={broken ? t("pipeline.badJson") : undefined} slotProps={mono}
          onChange={(event) => {
            setText(event.target.value);
            try {
              const next = JSON.parse(event.target.value) as Stage;
              setBroken(typeof next !== "object" || next === null || typeof next.type !== "string");
              if (typeof next === "object" && next !== null && typeof next.type === "string") onChange(next);
            } catch {
              setBroken(true);
            }
          }} />
        {kind && <Box><Button disabled={broken} onClick={() => setText(undefined)}>{t("pipeline.asForm")}</Button></Box>}
      </Box>
    );
  }
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <Box sx={{ color: "text.secondary", fontSize: 12 }}>{kind.description.replaceAll("``", "")}</Box>
      <Box sx={{ display: "grid", gap: 1.5, gridTemplateColumns: "repeat(auto-fill, minmax(220px, 1fr))" }}>
        {formOf(kind).map((field) => <Input key={field.name} stage={stage} options={options} {...field} onChange={(value) => put(field.name, value)} />)}
        <TextField label={t("pipeline.when")} value={stage.when ?? ""} slotProps={mono} onChange={(event) => put("when", event.target.value)} />
        <TextField label={t("pipeline.stageName")} value={stage.name ?? ""} onChange={(event) => put("name", event.target.value)} />
      </Box>
      <Box><Button onClick={() => setText(JSON.stringify(stage, null, 2))}>{t("pipeline.asJson")}</Button></Box>
    </Box>
  );
}
