import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useNotify } from "react-admin";
import { messageOf } from "../api/http";
import { plainText } from "../common/format";
import { t } from "../i18n";
import { conflictFields, resolveConflict, type Choice, type Conflict } from "./conflict";
import { valueText } from "./FieldValue";

const cell = { p: 1, border: 1, borderColor: "divider", borderRadius: 1, whiteSpace: "pre-wrap", overflowWrap: "anywhere", minHeight: 36, maxHeight: 240, overflowY: "auto" } as const;

export function ConflictDialog({ conflict, onClose, onSave }: { conflict: Conflict; onClose: () => void; onSave: (payload: Record<string, unknown>) => Promise<void> }) {
  const fields = conflictFields(conflict);
  const [choices, setChoices] = useState<Record<string, Choice>>({});
  const [busy, setBusy] = useState(false);
  const notify = useNotify();
  const save = async () => {
    const payload = resolveConflict(conflict, choices);
    if (Object.keys(payload).length === 0) return onClose();
    setBusy(true);
    try {
      await onSave(payload);
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
    setBusy(false);
  };
  return (
    <Dialog open maxWidth="md" aria-labelledby="conflict-title" data-testid="conflict">
      <DialogTitle id="conflict-title">{t("resources.conflictTitle")}</DialogTitle>
      <DialogContent>
        <Typography sx={{ mb: 2 }}>{t("resources.conflictHint")}</Typography>
        {fields.map((field) => {
          const choice = choices[field.name] ?? "mine";
          const mine = { ...conflict.theirs, [`${field.name}_name`]: undefined, ...conflict.mine };
          const text = (record: Record<string, unknown>) => (field.kind === "html" ? plainText(valueText(record, field)) : valueText(record, field)) || t("resources.wasEmpty");
          return (
            <Box key={field.name} sx={{ mb: 2 }}>
              <Typography variant="h3">{field.label}</Typography>
              <RadioGroup aria-label={field.label} value={choice} onChange={(event) => setChoices({ ...choices, [field.name]: event.target.value as Choice })}
                sx={{ display: "grid", gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" }, gap: 1 }}>
                {(["mine", "theirs"] as const).map((side) => (
                  <Box key={side}>
                    <FormControlLabel value={side} control={<Radio size="small" />} label={t(side === "mine" ? "resources.conflictMine" : "resources.conflictTheirs")} />
                    <Box sx={{ ...cell, bgcolor: choice === side ? "action.selected" : undefined }} data-testid={`conflict-${side}`}>{text(side === "mine" ? mine : conflict.theirs)}</Box>
                  </Box>
                ))}
              </RadioGroup>
            </Box>
          );
        })}
      </DialogContent>
      <DialogActions>
        <Button onClick={onClose}>{t("common.back")}</Button>
        <Button variant="contained" disabled={busy} onClick={() => void save()}>{t("resources.conflictSave")}</Button>
      </DialogActions>
    </Dialog>
  );
}
