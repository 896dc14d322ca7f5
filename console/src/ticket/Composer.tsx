import AttachFile from "@mui/icons-material/AttachFile";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import IconButton from "@mui/material/IconButton";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { lazy, Suspense, useState } from "react";
import { useNotify } from "react-admin";
import { toUpload } from "../api/files";
import { messageOf } from "../api/http";
import { DropZone } from "../common/DropZone";
import { fileSize } from "../common/format";
import { t } from "../i18n";
import type { useTicketWrites } from "./api";
import { readDraft, writeDraft } from "./drafts";

const RichText = lazy(() => import("../common/RichText"));

export type ComposerMode = "reply" | "note";

export function Composer({ ticketId, to, mode, onMode, focusKey, writes, publicOnly }: {
  /** A requester writes to the service desk and keeps no notes there. */
  publicOnly?: boolean; ticketId: string; to: string; mode: ComposerMode; onMode: (mode: ComposerMode) => void; focusKey: number; writes: ReturnType<typeof useTicketWrites>;
}) {
  const [texts, setTexts] = useState(() => ({ reply: readDraft(ticketId, "reply"), note: readDraft(ticketId, "note") }));
  const [files, setFiles] = useState<File[]>([]);
  const notify = useNotify();
  const { mutateAsync, isPending } = writes.post;
  const html = texts[mode];
  const setHtml = (next: string) => {
    setTexts((before) => ({ ...before, [mode]: next }));
    writeDraft(ticketId, mode, next);
  };
  const canSend = !isPending && (html !== "" || files.length > 0);
  const send = async () => {
    if (!canSend) return;
    try {
      const attachments = await Promise.all(files.map(toUpload));
      await mutateAsync({ message: html, is_public: mode === "reply", attachments });
      setHtml("");
      setFiles([]);
      notify(t(mode === "reply" ? "ticket.sent" : "ticket.noteSaved"), { type: "success" });
    } catch (error) {
      // The text stays in the box: nothing written is lost to a failed request.
      notify(messageOf(error), { type: "error" });
    }
  };
  const label = t(mode === "reply" ? "ticket.reply" : "ticket.note");
  return (
    <Box component="section" aria-label={t("ticket.reply")} data-testid="composer" data-mode={mode} sx={{ mt: 2, p: 1, borderRadius: 1.5, bgcolor: mode === "note" ? "note.main" : "raised" }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, mb: 1 }}>
        {!publicOnly && <ToggleButtonGroup exclusive size="small" value={mode} onChange={(_, next: ComposerMode | null) => next && onMode(next)} aria-label={t("ticket.reply")}>
          <ToggleButton value="reply" sx={{ py: 0.25, px: 1.25 }}>{t("ticket.reply")}</ToggleButton>
          <ToggleButton value="note" sx={{ py: 0.25, px: 1.25 }}>{t("ticket.note")}</ToggleButton>
        </ToggleButtonGroup>}
        <Typography variant="body2" noWrap sx={{ color: mode === "note" ? "note.text" : "text.secondary", minWidth: 0 }}>{mode === "reply" ? t("ticket.replyTo", { name: to }) : t("ticket.noteHint")}</Typography>
      </Box>
      <DropZone onFiles={(added) => setFiles((before) => [...before, ...added])} inputLabel={t("ticket.attach")}>
        {(choose) => (
          <Suspense fallback={<Box sx={{ height: 140 }} />}>
            <RichText key={`${mode}-${focusKey}`} value={html} onChange={setHtml} label={label} placeholder={t(publicOnly ? "ticket.answerHint" : mode === "reply" ? "ticket.replyHint" : "ticket.noteHint")} autoFocus={focusKey > 0}
              onSubmit={() => void send()} minHeight={72}
              extra={
                <>
                  <IconButton aria-label={t("ticket.attach")} onClick={choose}><AttachFile fontSize="small" /></IconButton>
                  <Button variant="contained" disabled={!canSend} onClick={() => void send()} data-testid="send">{isPending ? t("common.saving") : t(mode === "reply" ? "ticket.send" : "ticket.saveNote")}</Button>
                </>
              } />
            {files.length > 0 && (
              <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.5, mt: 1 }}>
                {files.map((file, index) => (
                  <Chip key={`${file.name}-${index}`} label={`${file.name} (${fileSize(file.size)})`} onDelete={() => setFiles(files.filter((item) => item !== file))} aria-label={file.name} />
                ))}
              </Box>
            )}
          </Suspense>
        )}
      </DropZone>
    </Box>
  );
}
