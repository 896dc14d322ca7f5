import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogContentText from "@mui/material/DialogContentText";
import DialogTitle from "@mui/material/DialogTitle";
import { useId, useState, type ReactNode } from "react";
import { t } from "../i18n";

export function DialogFrame({ title, onClose, children, wide }: { title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const id = useId();
  return (
    <Dialog open onClose={onClose} aria-labelledby={id} maxWidth={wide ? "md" : "sm"}>
      <DialogTitle id={id}>{title}</DialogTitle>
      <DialogContent>{children}</DialogContent>
    </Dialog>
  );
}

export function ConfirmDialog({ title, hint, action, danger, onClose, onConfirm }: {
  title: string; hint?: string; action: string; danger?: boolean; onClose: () => void; onConfirm: () => Promise<void> | void;
}) {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    await onConfirm();
    setBusy(false);
  };
  return (
    <Dialog open onClose={onClose} aria-labelledby={id} maxWidth="xs">
      <DialogTitle id={id}>{title}</DialogTitle>
      {hint && <DialogContent><DialogContentText>{hint}</DialogContentText></DialogContent>}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button variant="contained" color={danger ? "error" : "primary"} disabled={busy} autoFocus onClick={() => void confirm()}>{action}</Button>
      </DialogActions>
    </Dialog>
  );
}
