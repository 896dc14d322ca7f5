import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { messageOf } from "../api/http";
import { DialogFrame } from "../common/dialogs";
import { t, type TextKey } from "../i18n";

export interface Ask {
  title: string;
  hint?: string;
  noteLabel: string;
  noteHint?: string;
  required: boolean;
  action: string;
  types?: { label: string; options: TextKey[] };
}

export const RESOLUTIONS: TextKey[] = ["ticket.types.permanent", "ticket.types.workaround", "ticket.types.information", "ticket.types.duplicate", "ticket.types.not_reproducible"];

/** One dialog for what a change asks for: a note, sometimes with a type; it stays open when the server refuses. */
export function AskDialog({ ask, onClose, onSubmit }: { ask: Ask; onClose: () => void; onSubmit: (note: string, type: string) => Promise<void> }) {
  const [note, setNote] = useState("");
  const [type, setType] = useState(() => (ask.types ? t(ask.types.options[0] ?? "common.none") : ""));
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit(note.trim(), type);
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  };
  return (
    <DialogFrame title={ask.title} onClose={onClose}>
      <Box component="form" sx={{ display: "grid", gap: 2, pt: 1 }} onSubmit={(event) => { event.preventDefault(); if (!ask.required || note.trim()) void submit(); }}>
        {error && <Alert severity="error">{error}</Alert>}
        {ask.types && (
          <TextField select label={ask.types.label} value={type} onChange={(event) => setType(event.target.value)}>
            {ask.types.options.map((key) => <MenuItem key={key} value={t(key)}>{t(key)}</MenuItem>)}
          </TextField>
        )}
        <TextField autoFocus multiline minRows={3} required={ask.required} label={ask.noteLabel} helperText={ask.noteHint} value={note} onChange={(event) => setNote(event.target.value)}
          onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && (!ask.required || note.trim())) void submit(); }} />
        <Box sx={{ display: "flex", gap: 1, justifyContent: "flex-end" }}>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" variant="contained" disabled={busy || (ask.required && !note.trim())}>{ask.action}</Button>
        </Box>
      </Box>
    </DialogFrame>
  );
}
