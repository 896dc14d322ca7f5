import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Link from "@mui/material/Link";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState, type RefObject } from "react";
import { useNotify } from "react-admin";
import { Link as RouterLink } from "react-router-dom";
import { messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { useSession } from "../api/session";
import { same, toApiValue, toLocalInput } from "../api/records";
import { dateTime, textToHtml } from "../common/format";
import { t } from "../i18n";
import { ChoiceMark } from "../resources/FieldValue";
import { assignmentChanges, type LoadedTicket, type useTicketWrites } from "./api";
import { AskDialog } from "./Dialogs";
import { assignable, matrixPriority, type Behaviours, type NamedOption, type Ticket } from "./model";
import { CustomFacts } from "./TicketFields";

type Level = "priority" | "urgency" | "impact" | "severity";

function LevelSelect({ label, value, options, disabled, onPick }: { label: string; value: NamedOption | null; options: NamedOption[]; disabled: boolean; onPick: (option: NamedOption) => void }) {
  return (
    <TextField select label={label} value={value ? String(value.id) : ""} disabled={disabled}
      onChange={(event) => { const option = options.find((item) => String(item.id) === event.target.value); if (option) onPick(option); }}>
      {value && !options.some((option) => String(option.id) === String(value.id)) && <MenuItem value={String(value.id)}>{value.name}</MenuItem>}
      {options.map((option) => <MenuItem key={option.id} value={String(option.id)}><ChoiceMark name={option.name} color={option.color} /></MenuItem>)}
    </TextField>
  );
}

function DueInput({ value, disabled, onSave }: { value: string | null; disabled: boolean; onSave: (due: unknown) => void }) {
  const saved = value ? toLocalInput(value) : "";
  const [typed, setTyped] = useState<string>();
  // Written when the box is left: a date that is half typed is no date yet.
  const save = () => {
    if (typed !== undefined && typed !== saved) onSave(toApiValue(typed, { kind: "datetime", label: t("ticket.due") }));
    setTyped(undefined);
  };
  return (
    <TextField type="datetime-local" label={t("ticket.due")} value={typed ?? saved} disabled={disabled} slotProps={{ inputLabel: { shrink: true }, htmlInput: { max: "9999-12-31T23:59" } }}
      onChange={(event) => setTyped(event.target.value)} onBlur={save} onKeyDown={(event) => { if (event.key === "Enter") save(); if (event.key === "Escape") setTyped(undefined); }} />
  );
}

export function Properties({ ticket, detail, writes, mayEdit, behaviours, assigneeRef }: {
  ticket: Ticket; detail: LoadedTicket; writes: ReturnType<typeof useTicketWrites>; mayEdit: boolean; behaviours: Behaviours; assigneeRef: RefObject<HTMLInputElement | null>;
}) {
  const notify = useNotify();
  const { byName } = useMetadata();
  const { user } = useSession();
  const [asking, setAsking] = useState<{ changes: Record<string, unknown>; name: string }>();
  const { options } = detail;
  const busy = !mayEdit || writes.update.isPending;
  const hidden = (name: string) => behaviours[name] === "hidden";
  const locked = (name: string) => busy || behaviours[name] === "read_only";
  const write = (label: string, changes: Record<string, unknown>) => {
    writes.update.mutateAsync({ changes, etag: detail.etag }).then(
      () => notify(t("ticket.changed", { field: label }), { type: "success" }),
      (error: unknown) => notify(messageOf(error), { type: "error" }),
    );
  };
  const pick = (level: Level, option: NamedOption) => {
    const changes = { [level]: option.id };
    const next = level === "priority" ? option
      : level === "urgency" ? matrixPriority(detail, ticket.impact?.id, option.id)
      : level === "impact" ? matrixPriority(detail, option.id, ticket.urgency?.id) : null;
    // A new priority, whether picked or following from the matrix, has to give its reason.
    if (next && String(next.id) !== String(ticket.priority?.id)) setAsking({ changes, name: next.name });
    else write(t(`ticket.${level}`), changes);
  };
  const people = assignable(detail, ticket.teamId);
  const selected = ticket.assigneeId ? (people.find((person) => person.profile_id === ticket.assigneeId) ?? { profile_id: ticket.assigneeId, full_name: ticket.assigneeName }) : null;
  const levels: Level[] = ["priority", "urgency", "impact", "severity"];
  return (
    <Box component="aside" aria-label={t("ticket.properties")} sx={{ display: "grid", gap: 1.75, alignContent: "start" }}>
      <Box>
        <Typography variant="body2" color="text.secondary">{t("ticket.requester")}</Typography>
        {ticket.requester.id && byName.has("requester")
          ? <Link component={RouterLink} to={`/requester/${encodeURIComponent(ticket.requester.id)}`}>{ticket.requester.name || ticket.requester.email}</Link>
          : <span>{ticket.requester.name || ticket.requester.email || t("ticket.unknownPerson")}</span>}
        {ticket.requester.email && ticket.requester.name && <Box sx={{ fontSize: 12 }}><Link href={`mailto:${ticket.requester.email}`}>{ticket.requester.email}</Link></Box>}
      </Box>
      {!hidden("team") && <TextField select label={t("ticket.team")} value={ticket.teamId === null ? "" : String(ticket.teamId)} disabled={locked("team")}
        onChange={(event) => {
          const team = (options.teams ?? []).find((item) => String(item.team_id) === event.target.value);
          const stays = team && assignable(detail, team.team_id).some((person) => person.profile_id === ticket.assigneeId);
          write(t("ticket.team"), assignmentChanges(team?.team_id ?? null, stays ? ticket.assigneeId : null));
        }}>
        <MenuItem value=""><em>{t("common.none")}</em></MenuItem>
        {ticket.teamId !== null && !(options.teams ?? []).some((team) => String(team.team_id) === String(ticket.teamId)) && <MenuItem value={String(ticket.teamId)}>{ticket.teamName}</MenuItem>}
        {(options.teams ?? []).map((team) => <MenuItem key={team.team_id} value={String(team.team_id)}>{team.name}</MenuItem>)}
      </TextField>}
      {!hidden("assignee") && <Box>
        <Autocomplete options={people} value={selected} disabled={locked("assignee")} openOnFocus getOptionLabel={(person) => person.full_name} getOptionKey={(person) => person.profile_id}
          isOptionEqualToValue={(a, b) => a.profile_id === b.profile_id} noOptionsText={t("resources.refNone")}
          onChange={(_, person) => write(t("ticket.assignee"), assignmentChanges(ticket.teamId, person?.profile_id ?? null))}
          renderInput={(params) => <TextField {...params} label={t("ticket.assignee")} placeholder={t("ticket.unassigned")} inputRef={assigneeRef} />} />
        {mayEdit && ticket.assigneeId !== user.profile_id && people.some((person) => person.profile_id === user.profile_id) && (
          <Button disabled={locked("assignee")} onClick={() => write(t("ticket.assignee"), assignmentChanges(ticket.teamId, user.profile_id))}>{t("ticket.assignToMe")}</Button>
        )}
      </Box>}
      {levels.map((level) => (options[level] ?? []).length > 0 && !hidden(`${level}_id`) && (
        <LevelSelect key={level} label={t(`ticket.${level}`)} value={ticket[level]} options={options[level] ?? []} disabled={locked(`${level}_id`)} onPick={(option) => pick(level, option)} />
      ))}
      {!hidden("due_date") && <DueInput value={ticket.dueDate} disabled={locked("due_date")} onSave={(due) => write(t("ticket.due"), { due_date: due })} />}
      {!hidden("tag") && <Autocomplete multiple freeSolo autoSelect disabled={locked("tag")} options={[] as string[]} value={ticket.tags}
        onChange={(_, typed) => {
          const tags = [...new Set(typed.map((tag) => tag.trim()).filter(Boolean))];
          if (!same(tags, ticket.tags)) write(t("ticket.tags"), { tag: tags });
        }}
        renderInput={(params) => <TextField {...params} label={t("ticket.tags")} placeholder={ticket.tags.length === 0 ? t("ticket.tagsHint") : undefined} />} />}
      <CustomFacts detail={detail} behaviours={behaviours} />
      <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "76px 1fr", rowGap: 0.5, fontSize: 12.5, "& dt": { color: "text.secondary" }, "& dd": { m: 0 } }}>
        {([[t("ticket.created"), dateTime(ticket.created)], [t("ticket.updated"), dateTime(ticket.updated)], [t("ticket.source"), ticket.source]] as const)
          .filter(([, value]) => value).map(([label, value]) => <Box key={label} sx={{ display: "contents" }}><dt>{label}</dt><dd>{value}</dd></Box>)}
      </Box>
      {asking && (
        <AskDialog onClose={() => setAsking(undefined)}
          ask={{ title: t("ticket.priorityTitle", { name: asking.name }), noteLabel: t("ticket.priorityReason"), noteHint: t("ticket.priorityHint"), required: true, action: t("common.save") }}
          onSubmit={async (text) => {
            await writes.update.mutateAsync({ changes: { ...asking.changes, comment: { type: "Priority Change", text: textToHtml(text) } }, etag: detail.etag });
            notify(t("ticket.changed", { field: t("ticket.priority") }), { type: "success" });
          }} />
      )}
    </Box>
  );
}
