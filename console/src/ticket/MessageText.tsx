import DeleteOutline from "@mui/icons-material/DeleteOutline";
import EditOutlined from "@mui/icons-material/EditOutlined";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import { lazy, Suspense, useState } from "react";
import { useNotify } from "react-admin";
import { messageOf } from "../api/http";
import { ConfirmDialog } from "../common/dialogs";
import { t } from "../i18n";
import type { Message, useTicketWrites } from "./api";

const RichText = lazy(() => import("../common/RichText"));

/** What was said, while it is being corrected. A text that the server refuses stays in the box. */
export function MessageEditor({ message, writes, onClose }: { message: Message; writes: ReturnType<typeof useTicketWrites>; onClose: () => void }) {
  const notify = useNotify();
  const [text, setText] = useState(message.message);
  const { mutateAsync, isPending } = writes.correct;
  const save = async () => {
    if (!text.trim() || isPending) return;
    try {
      if (text !== message.message) await mutateAsync({ id: message.communication_id, message: text });
      onClose();
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  return (
    <Box component="form" aria-label={t("ticket.editMessage")} sx={{ display: "grid", gap: 1 }} onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <Suspense fallback={<Box sx={{ height: 120 }} />}>
        <RichText autoFocus label={t("ticket.editMessage")} value={text} onChange={setText} onSubmit={() => void save()} minHeight={60} />
      </Suspense>
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button type="submit" variant="contained" disabled={isPending || !text.trim()}>{t("common.save")}</Button>
        <Button color="inherit" onClick={onClose}>{t("common.cancel")}</Button>
      </Box>
    </Box>
  );
}

/** Correcting a message, and taking it back. */
export function MessageTools({ message, writes, onEdit }: { message: Message; writes: ReturnType<typeof useTicketWrites>; onEdit: () => void }) {
  const notify = useNotify();
  const [asking, setAsking] = useState(false);
  const remove = async () => {
    try {
      await writes.takeBack.mutateAsync(message.communication_id);
      notify(t("ticket.messageDeleted"), { type: "success" });
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
    setAsking(false);
  };
  return (
    <>
      {message.message && <IconButton color="inherit" aria-label={t("ticket.editMessage")} onClick={onEdit}><EditOutlined fontSize="inherit" /></IconButton>}
      <IconButton color="inherit" aria-label={t("ticket.deleteMessage")} onClick={() => setAsking(true)}><DeleteOutline fontSize="inherit" /></IconButton>
      {asking && (
        <ConfirmDialog title={t("ticket.deleteMessageTitle")} hint={t("ticket.deleteMessageHint")} action={t("common.delete")} danger onClose={() => setAsking(false)} onConfirm={remove} />
      )}
    </>
  );
}
