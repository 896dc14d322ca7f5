import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useState, type ReactNode } from "react";
import type { AttachmentInfo } from "../api/types";
import { Failure } from "../app/Messages";
import { count, dateTime, fileSize, relativeTime } from "../common/format";
import { PersonAvatar } from "../common/PersonAvatar";
import { SafeHtml } from "../common/SafeHtml";
import { t } from "../i18n";
import { inOrder, useConversation, useTicketFiles, type Message, type useTicketWrites } from "./api";
import { MessageEditor, MessageTools } from "./MessageText";
import type { Ticket } from "./model";

export function FileLinks({ files }: { files: AttachmentInfo[] }) {
  if (files.length === 0) return null;
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mt: 1 }}>
      {files.map((file) => (
        <Link key={file.id} href={file.url} target="_blank" rel="noopener" sx={{ border: 1, borderColor: "divider", borderRadius: 1, px: 1, py: 0.25, fontSize: 12 }}>
          {file.name}{file.size ? ` (${fileSize(file.size)})` : ""}
        </Link>
      ))}
    </Box>
  );
}

function Entry({ name, picture, time, kind, note, edited, right, children, requester }: { name: string; picture?: string; time: string | null; kind?: string; note?: boolean; edited?: boolean; requester?: boolean; right?: ReactNode; children: ReactNode }) {
  return (
    <Paper component="article" variant="outlined" data-testid="message" data-kind={note ? "note" : "public"} aria-label={`${name}, ${dateTime(time)}`}
      sx={{ display: "grid", gridTemplateColumns: "32px 1fr", gap: 1.25, p: 1.5, ...(note ? { bgcolor: "note.main", color: "note.text" } : {}) }}>
      <PersonAvatar name={name} picture={picture} quiet={requester} />
      <Box sx={{ minWidth: 0 }}>
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "baseline", mb: 0.5 }}>
          <strong>{name}</strong>
          {kind && <Chip label={kind} variant="outlined" sx={{ height: 18, fontSize: 11, color: "inherit" }} />}
          <Box component="time" dateTime={time ?? undefined} title={dateTime(time)} sx={{ fontSize: 12, color: note ? "inherit" : "text.secondary" }}>{relativeTime(time)}{edited ? ` · ${t("ticket.edited")}` : ""}</Box>
          <Box sx={{ flex: 1 }} />
          {/* The button is higher than the line and must not move the name away from the picture. */}
          {right && <Box sx={{ my: -0.75 }}>{right}</Box>}
        </Box>
        {children}
      </Box>
    </Paper>
  );
}

function kindOf(message: Message): string | undefined {
  if (message.type === "email") return t("ticket.email");
  if (message.type === "note") return t("ticket.internalNote");
  if (message.type === "comment") return message.is_public ? undefined : t("ticket.internalNote");
  const kinds = { resolution: t("ticket.kinds.resolution"), closure: t("ticket.kinds.closure"), reopen: t("ticket.kinds.reopen"), merge: t("ticket.kinds.merge") } as Record<string, string>;
  return kinds[message.type] ?? message.type;
}

/** Whose messages may be corrected: everybody their own; `every`: also those of others. */
export interface Corrections {
  profileId: string;
  every: boolean;
  writes: ReturnType<typeof useTicketWrites>;
}

export function Conversation({ ticket, descriptionAction, description, corrections }: { ticket: Ticket; descriptionAction?: ReactNode; description?: ReactNode; corrections?: Corrections }) {
  const [editing, setEditing] = useState<string>();
  // What a merge says is the record of it.
  const mayCorrect = (message: Message) => corrections && message.type !== "merge" && (corrections.every || (!!message.user_id && message.user_id === corrections.profileId));
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useConversation(ticket.id);
  const { data: files = [] } = useTicketFiles(ticket.id);
  const messages = inOrder(data?.pages ?? []);
  const earlier = hasNextPage ? Math.max(0, (data?.pages[0]?.count ?? 0) - messages.length) : 0;
  const inMessages = new Set(messages.flatMap((message) => (message.attachments ?? []).map((file) => file.id)));
  return (
    <Box role="log" aria-label={t("ticket.conversation")} sx={{ display: "grid", gap: 1 }}>
      <Entry name={ticket.requester.name || ticket.requester.email || t("ticket.unknownPerson")} time={ticket.created} requester right={descriptionAction}>
        {description ?? (ticket.description ? <SafeHtml html={ticket.description} /> : <Typography color="text.secondary">{ticket.summary}</Typography>)}
        <FileLinks files={files.filter((file) => !inMessages.has(file.id))} />
      </Entry>
      {error && !data ? <Failure error={error} onRetry={() => void refetch()} /> : null}
      {earlier > 0 && (
        <Button variant="outlined" data-testid="earlier" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()} sx={{ justifySelf: "center" }}>
          {isFetchingNextPage ? t("common.loading") : t("ticket.earlier", { n: count(earlier) })}
        </Button>
      )}
      {messages.map((message) =>
        message.type === "system" ? (
          <Box key={message.communication_id} sx={{ color: "text.secondary", fontSize: 12, textAlign: "center", "& .rich": { display: "inline" }, "& p": { display: "inline" } }}>
            {message.user_name ? `${message.user_name}: ` : ""}<SafeHtml html={message.message} /> · {relativeTime(message.event_time)}
          </Box>
        ) : (
          <Entry key={message.communication_id} name={message.user_name || t("ticket.unknownPerson")} picture={message.user_picture} time={message.event_time} kind={kindOf(message)} note={!message.is_public} requester={message.is_requester} edited={message.edited}
            right={corrections && mayCorrect(message) && editing !== message.communication_id
              ? <MessageTools message={message} writes={corrections.writes} onEdit={() => setEditing(message.communication_id)} /> : undefined}>
            {corrections && editing === message.communication_id
              ? <MessageEditor message={message} writes={corrections.writes} onClose={() => setEditing(undefined)} />
              : <SafeHtml html={message.message} />}
            <FileLinks files={message.attachments ?? []} />
          </Entry>
        ),
      )}
    </Box>
  );
}
