import ArrowDownward from "@mui/icons-material/ArrowDownward";
import ArrowUpward from "@mui/icons-material/ArrowUpward";
import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormHelperText from "@mui/material/FormHelperText";
import IconButton from "@mui/material/IconButton";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useMetadata } from "../api/metadata";
import { t } from "../i18n";
import { ReferencesPicker } from "../resources/ReferencePicker";
import type { SpecialInput } from "../rules/inputs";
import { nextLevel, readSteps, writeSteps, type Step } from "./model";

/** Who is at which support level, or whose turn comes after whose: one row a step, in order. */
function StepsInput({ field, value, onChange, error, levels }: SpecialInput & { levels: boolean }) {
  const people = useMetadata().byName.get("user");
  const [steps, setSteps] = useState<Step[]>(() => readSteps(value));
  const take = (next: Step[]) => {
    setSteps(next);
    onChange(writeSteps(next, levels));
  };
  const put = (index: number, change: Partial<Step>) => take(steps.map((step, i) => (i === index ? { ...step, ...change } : step)));
  const swap = (index: number) => take(steps.map((step, i) => (i === index ? steps[i + 1] : i === index + 1 ? steps[i - 1] : step) ?? step));
  const nameOf = (step: Step, index: number) => (levels ? step.level : t("teams.turn", { n: index + 1 }));
  return (
    <Box role="group" aria-label={field.label} data-testid={`steps-${field.name}`} sx={{ display: "grid", gap: 1 }}>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>{field.label}</Typography>
      {steps.length === 0 && <Typography variant="body2" color="text.secondary">{t(levels ? "teams.noLevels" : "teams.noTurns")}</Typography>}
      {steps.map((step, index) => (
        // A step has no identity of its own; its place in the list is it.
        <Box key={index} sx={{ display: "grid", gridTemplateColumns: "72px minmax(0, 1fr) auto", gap: 1, alignItems: "start" }}>
          {levels
            ? <TextField label={t("teams.level")} value={step.level} onChange={(event) => put(index, { level: event.target.value })} slotProps={{ htmlInput: { maxLength: 40 } }} />
            : <Box sx={{ pt: 1 }}>{nameOf(step, index)}</Box>}
          {people && (
            <ReferencesPicker label={t("teams.people")} target={people} value={step.staffs} valueNames={step.staffs.every((id) => step.names[String(id)]) ? step.staffs.map((id) => step.names[String(id)] ?? "") : undefined}
              onChange={(staffs) => put(index, { staffs })} />
          )}
          <Box sx={{ whiteSpace: "nowrap" }}>
            <IconButton aria-label={t("resources.moveUp", { name: nameOf(step, index) })} disabled={index === 0} onClick={() => swap(index - 1)}><ArrowUpward fontSize="inherit" /></IconButton>
            <IconButton aria-label={t("resources.moveDown", { name: nameOf(step, index) })} disabled={index === steps.length - 1} onClick={() => swap(index)}><ArrowDownward fontSize="inherit" /></IconButton>
            <IconButton aria-label={`${t("common.remove")}: ${nameOf(step, index)}`} onClick={() => take(steps.filter((_, i) => i !== index))}><CloseIcon fontSize="inherit" /></IconButton>
          </Box>
        </Box>
      ))}
      <Button sx={{ justifySelf: "start" }} onClick={() => setSteps([...steps, { level: nextLevel(steps.length), staffs: [], names: {} }])}>{t(levels ? "teams.addLevel" : "teams.addTurn")}</Button>
      <FormHelperText error={!!error}>{error ?? t(levels ? "teams.levelsHint" : "teams.turnsHint")}</FormHelperText>
    </Box>
  );
}

export const LevelsInput = (props: SpecialInput) => <StepsInput {...props} levels />;
export const TurnsInput = (props: SpecialInput) => <StepsInput {...props} levels={false} />;
