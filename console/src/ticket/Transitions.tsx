import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState, type RefObject } from "react";
import { useNotify } from "react-admin";
import { messageOf } from "../api/http";
import { textToHtml } from "../common/format";
import { t } from "../i18n";
import type { LoadedTicket, useTicketWrites } from "./api";
import { AskDialog, RESOLUTIONS, type Ask } from "./Dialogs";
import { moveFor, nextStatuses, type StatusOption, type Ticket } from "./model";

function askFor(ticket: Ticket, to: StatusOption): Ask | undefined {
  switch (moveFor(ticket.state, to)) {
    case "resolve":
      return { title: t("ticket.resolveTitle", { id: ticket.displayId }), noteLabel: t("ticket.closureNote"), noteHint: t("ticket.closureNoteHint"), required: true, action: t("ticket.resolve"), types: { label: t("ticket.resolutionType"), options: RESOLUTIONS } };
    case "close":
      return { title: t("ticket.closeTitle", { id: ticket.displayId }), noteLabel: t("ticket.closureNote"), required: true, action: t("ticket.closeTicket"), types: { label: t("ticket.closeType"), options: RESOLUTIONS } };
    case "reopen":
      return { title: t("ticket.reopenTitle", { id: ticket.displayId }), noteLabel: t("ticket.reason"), required: true, action: t("ticket.reopen") };
    default:
      return to.comment_required
        ? { title: t("ticket.moveTo", { name: to.name }), noteLabel: t("ticket.statusComment"), noteHint: t("ticket.commentRequired"), required: true, action: t("ticket.moveTo", { name: to.name }) }
        : undefined;
  }
}

function buttonText(ticket: Ticket, to: StatusOption): string {
  const move = moveFor(ticket.state, to);
  if (move === "resolve") return t("ticket.resolve");
  if (move === "close") return t("ticket.closeTicket");
  if (move === "reopen") return t("ticket.reopen");
  return to.name;
}

/** The legal next statuses, as buttons: what the server does not allow is not offered. */
export function Transitions({ ticket, detail, writes, rowRef }: {
  ticket: Ticket; detail: LoadedTicket; writes: ReturnType<typeof useTicketWrites>; rowRef: RefObject<HTMLDivElement | null>;
}) {
  const [asking, setAsking] = useState<StatusOption>();
  const notify = useNotify();
  const options = nextStatuses(detail, t("ticket.reopen"));
  const busy = writes.update.isPending || writes.move.isPending;

  const run = async (to: StatusOption, text: string, type: string) => {
    const note = textToHtml(text);
    const move = moveFor(ticket.state, to);
    if (move === "resolve") await writes.move.mutateAsync({ kind: "resolve", values: { closure_note: note, resolution_type: type } });
    else if (move === "close") await writes.move.mutateAsync({ kind: "close", values: { closure_note: note, close_type: type } });
    else if (move === "reopen") await writes.move.mutateAsync({ kind: "reopen", values: { reason: note } });
    else await writes.update.mutateAsync({ changes: { status_id: to.id, ...(note ? { comment: { type: "Status Change", text: note } } : {}) }, etag: detail.etag });
    notify(to.id === "reopen" ? t("ticket.reopened", { id: ticket.displayId }) : t("ticket.moved", { name: to.name }), { type: "success" });
  };
  const start = (to: StatusOption) => {
    if (askFor(ticket, to)) return setAsking(to);
    run(to, "", "").catch((error: unknown) => notify(messageOf(error), { type: "error" }));
  };
  const ask = asking && askFor(ticket, asking);
  return (
    <Box ref={rowRef} role="group" aria-label={t("ticket.transitions")} sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, alignItems: "center" }}>
      {options.length === 0 && <Typography variant="body2" color="text.secondary">{t("ticket.noTransitions")}</Typography>}
      {options.map((to) => (
        <Button key={to.id} variant="outlined" disabled={busy} onClick={() => start(to)} data-testid="transition" data-status={to.name} aria-label={to.id === "reopen" ? t("ticket.reopen") : t("ticket.moveTo", { name: to.name })}
          startIcon={to.color ? <Box sx={{ width: 8, height: 8, borderRadius: "50%", bgcolor: to.color }} /> : undefined}>
          {buttonText(ticket, to)}
        </Button>
      ))}
      {asking && ask && <AskDialog ask={ask} onClose={() => setAsking(undefined)} onSubmit={(note, type) => run(asking, note, type)} />}
    </Box>
  );
}
