import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api, messageOf } from "../api/http";
import { PlainTable, Section } from "../common/blocks";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

interface Outcome {
  windows: number;
  firing: number;
  raised: number;
  results: { at: string; state: string; group: Record<string, string>; value: number | null; message: string }[];
  more: boolean;
}

interface Active {
  key?: string;
  message?: string;
  since?: string;
}

const HOURS = [1, 6, 24, 72, 168];

/** What a log rule, as it stands in the form, would have raised; and what it has raised and not cleared. */
export function RulePreview({ record, draft }: FormPanel) {
  const [hours, setHours] = useState(24);
  const [answer, setAnswer] = useState<Outcome>();
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const look = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      setAnswer(await api<Outcome>("/api/logs/rules/preview/", { method: "POST", body: { rule: draft(), hours } }));
    } catch (error) {
      setAnswer(undefined);
      setFailure(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const active = Array.isArray(record?.active) ? (record.active as Active[]) : [];
  return (
    <Section title={t("logs.rulePreview")} testId="rule-preview" actions={
      <>
        <TextField select value={hours} onChange={(event) => setHours(Number(event.target.value))} slotProps={{ htmlInput: { "aria-label": t("logs.ruleHours") } }} sx={{ width: 170 }}>
          {HOURS.map((value) => <MenuItem key={value} value={value}>{t("logs.ruleLast", { count: value, smart_count: value })}</MenuItem>)}
        </TextField>
        <Button variant="outlined" disabled={busy} onClick={() => void look()}>{t("rules.tryIt")}</Button>
      </>
    }>
      {record && <Typography variant="body2" color="text.secondary">{record.last_run ? t("logs.ruleRan", { at: dateTime(String(record.last_run)), active: active.length }) : t("logs.ruleNever")} <Link to={`/logs/search?q=${encodeURIComponent(String(record.query ?? ""))}`}>{t("logs.ruleLines")}</Link></Typography>}
      {!!record?.last_error && <Alert severity="error" sx={{ mt: 1 }}>{String(record.last_error)}</Alert>}
      {failure && <Alert severity="error" sx={{ mt: 1 }}>{failure}</Alert>}
      {answer && <Typography data-testid="rule-outcome" sx={{ fontWeight: 600, my: 1 }}>{t("logs.ruleOutcome", { windows: answer.windows, firing: answer.firing, raised: answer.raised })}</Typography>}
      {answer && answer.results.length > 0 && (
        <Box sx={{ maxHeight: 360, overflow: "auto" }}>
          <PlainTable label={t("logs.rulePreview")} head={[t("logs.time"), t("logs.ruleState"), t("logs.ruleGroup"), `#${t("logs.ruleValue")}`, t("logs.message")]}
            rows={answer.results.map((item, index) => ({ key: String(index), cells: [dateTime(item.at), item.state, Object.values(item.group).join(", "), item.value ?? "", item.message] }))} />
        </Box>
      )}
    </Section>
  );
}
