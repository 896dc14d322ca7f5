import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import TextField from "@mui/material/TextField";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { messageOf } from "../api/http";
import { preStyle } from "../common/blocks";
import { t } from "../i18n";
import { preview } from "./api";
import { linesOf, place, stepsOf, type PreviewAnswer, type Stage } from "./model";

function Values({ values, removed, tags }: { values: Record<string, string>; removed: string[]; tags: string[] }) {
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 1.5, rowGap: 0.25, fontSize: 12 }}>
      {Object.entries(values).map(([name, value]) => <span key={name}><Box component="span" sx={{ color: "text.secondary" }}>{name}</Box> {value}</span>)}
      {removed.map((name) => <Box key={name} component="s" sx={{ color: "text.secondary" }}>{name}</Box>)}
      {tags.map((tag) => <Chip key={tag} size="small" label={tag} color={tag.startsWith("_") ? "error" : "default"} variant="outlined" />)}
    </Box>
  );
}

function LineSteps({ answer, index }: { answer: PreviewAnswer; index: number }) {
  const line = answer.lines[index];
  if (!line) return null;
  const steps = stepsOf(answer, index);
  return (
    <Box component="li" data-testid="preview-line" sx={{ py: 1, borderBottom: 1, borderColor: "divider", opacity: line.applies ? 1 : 0.65 }}>
      <Box component="pre" sx={preStyle}>{line.before.message}</Box>
      {!line.applies && <Typography variant="body2" color="text.secondary">{t("pipeline.notMeant")}</Typography>}
      {line.applies && steps.length === 0 && <Typography variant="body2" color="text.secondary">{t("pipeline.nothingChanged")}</Typography>}
      {steps.map(({ stage, change, dropped }) => (
        <Box key={`${stage.pipeline}${stage.path}`} sx={{ display: "grid", gridTemplateColumns: "120px minmax(0,1fr)", gap: 1, mt: 0.5 }}>
          <Box sx={{ fontSize: 12, fontWeight: 600 }}>{place(stage.path)} {stage.type}</Box>
          {dropped ? <Chip size="small" color="warning" variant="outlined" label={t("pipeline.dropped")} sx={{ justifySelf: "start" }} /> : change && <Values values={change.set} removed={change.removed} tags={change.tags} />}
        </Box>
      ))}
    </Box>
  );
}

/** Lines through the stages as they stand in the editor. */
export function Preview({ pipeline, stages, condition }: { pipeline: string | undefined; stages: Stage[]; condition: string }) {
  const [source, setSource] = useState<"recent" | "pasted">("recent");
  const [text, setText] = useState("");
  const [search, setSearch] = useState("");
  const [answer, setAnswer] = useState<PreviewAnswer>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      setAnswer(await preview({ pipeline, stages, condition, ...(source === "pasted" ? { lines: linesOf(text) } : { search, limit: 20 }) }));
    } catch (error) {
      setAnswer(undefined);
      setFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Box sx={{ display: "grid", gap: 1 }}>
      <Typography variant="body2" color="text.secondary">{t("pipeline.previewHint")}</Typography>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center" }}>
        <ToggleButtonGroup size="small" exclusive value={source} onChange={(_event, value: "recent" | "pasted" | null) => value && setSource(value)} sx={{ height: 33, "& button": { textTransform: "none", px: 1.25 } }}>
          <ToggleButton value="recent">{t("pipeline.recent")}</ToggleButton>
          <ToggleButton value="pasted">{t("pipeline.pasted")}</ToggleButton>
        </ToggleButtonGroup>
        {source === "recent" && <TextField label={t("pipeline.search")} value={search} onChange={(event) => setSearch(event.target.value)} sx={{ flex: 1, minWidth: 140 }} />}
        <Button variant="outlined" disabled={busy || (source === "pasted" && !text.trim())} onClick={() => void run()} data-testid="run-preview">{t("pipeline.run")}</Button>
      </Box>
      {source === "pasted" && <TextField multiline minRows={3} maxRows={12} label={t("pipeline.pasteHere")} value={text} onChange={(event) => setText(event.target.value)} slotProps={{ input: { sx: { fontFamily: "monospace", fontSize: 12 } } }} />}
      {failure && <Alert severity="error" data-testid="preview-error">{failure}</Alert>}
      {answer && answer.count === 0 && <Typography color="text.secondary">{t("pipeline.noLines")}</Typography>}
      {answer && answer.count > 0 && (
        <>
          <Typography data-testid="preview-summary" sx={{ fontWeight: 600 }}>{t("pipeline.summary", { count: answer.count, smart_count: answer.count, applies: answer.applies, dropped: answer.dropped, failed: answer.failed })}</Typography>
          <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none", maxHeight: 620, overflow: "auto" }}>{answer.lines.map((line, index) => <LineSteps key={line.id} answer={answer} index={index} />)}</Box>
        </>
      )}
    </Box>
  );
}
