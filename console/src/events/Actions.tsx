import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState, type ReactNode } from "react";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { DialogFrame } from "../common/dialogs";
import { t } from "../i18n";
import { ReferencePicker } from "../resources/ReferencePicker";
import { act, openTicket, schedule, tag } from "./api";

type Asking = "assign" | "suppress" | "tag" | "comment" | "attach" | "due" | undefined;

function Ask({ title, ready, onClose, onSubmit, children }: { title: string; ready: boolean; onClose: () => void; onSubmit: () => Promise<void>; children: ReactNode }) {
  const [busy, setBusy] = useState(false);
  return (
    <DialogFrame title={title} onClose={onClose}>
      <Box component="form" sx={{ display: "grid", gap: 2, pt: 1 }} onSubmit={(event) => { event.preventDefault(); setBusy(true); void onSubmit().finally(() => setBusy(false)); }}>
        {children}
        <Box sx={{ display: "flex", justifyContent: "flex-end", gap: 1 }}>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" variant="contained" disabled={!ready || busy}>{t("common.apply")}</Button>
        </Box>
      </Box>
    </DialogFrame>
  );
}

/** What can be done with events, one or many; every action names how many it changed. */
export function useEventActions(ids: string[], after: () => void) {
  const notify = useNotify();
  const run = async (action: string, values: Record<string, unknown> = {}) => {
    if (ids.length === 0) return;
    try {
      const answer = action === "tag" ? await tag(ids, values.tags as string[]) : action === "due" ? await schedule(ids, values.due as string | null) : await act(action, ids, values);
      const changed = answer.changed ?? ids.length;
      notify(t(changed === 1 ? "events.doneOne" : "events.done", { count: changed }), { type: "success" });
      after();
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  return run;
}

/** `state`: of the one event that it is about; what would change nothing is left out. */
export function EventActions({ ids, state, onDone }: { ids: string[]; state?: { acknowledged: boolean; cleared: boolean; suppressed: boolean }; onDone: () => void }) {
  const { user } = useSession();
  const { byName } = useMetadata();
  const notify = useNotify();
  const run = useEventActions(ids, onDone);
  const [asking, setAsking] = useState<Asking>();
  const [text, setText] = useState("");
  const [until, setUntil] = useState("");
  const [assignee, setAssignee] = useState<string | number | null>(null);
  const users = byName.get("user");
  const close = () => {
    setAsking(undefined);
    setText("");
    setUntil("");
    setAssignee(null);
  };
  const finish = async (action: string, values: Record<string, unknown>) => {
    await run(action, values);
    close();
  };
  const open = async (into = "") => {
    try {
      const { display_id: name, created } = await openTicket(ids, into);
      notify(<span>{t(created ? "events.ticketMade" : "events.ticketJoined")} <Link to={`/incident/${encodeURIComponent(name)}`}>{name}</Link></span>, { type: "success", autoHideDuration: 10_000 });
      close();
      onDone();
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  const may = userMay(user, "event", "edit");
  return (
    <>
      {may && (
        <>
          {!state?.acknowledged && <Button onClick={() => void run("acknowledge")}>{t("events.acknowledge")}</Button>}
          {state?.acknowledged !== false && <Button onClick={() => void run("unacknowledge")}>{t("events.unacknowledge")}</Button>}
          {!state?.cleared && <Button onClick={() => void run("clear")}>{t("events.clear")}</Button>}
          {state?.cleared && <Button onClick={() => void run("reopen")}>{t("events.reopen")}</Button>}
          <Button onClick={() => void run("assign", { assignee: user.profile_id })}>{t("events.assignMe")}</Button>
          {users && <Button onClick={() => setAsking("assign")}>{t("events.assign")}</Button>}
          <Button onClick={() => setAsking("suppress")}>{t("events.suppress")}</Button>
          {state?.suppressed !== false && <Button onClick={() => void run("unsuppress")}>{t("events.unsuppress")}</Button>}
          <Button onClick={() => setAsking("due")}>{t("events.due")}</Button>
          <Button onClick={() => setAsking("tag")}>{t("events.tag")}</Button>
          <Button onClick={() => setAsking("comment")}>{t("events.comment")}</Button>
        </>
      )}
      {userMay(user, "incident", "add") && <Button onClick={() => void open()}>{t("events.ticket")}</Button>}
      {may && userMay(user, "incident", "edit") && <Button onClick={() => setAsking("attach")}>{t("events.attach")}</Button>}
      {asking === "attach" && (
        <Ask title={t("events.attach")} ready={!!text.trim()} onClose={close} onSubmit={() => open(text.trim())}>
          <TextField autoFocus required label={t("events.ticketNumber")} value={text} onChange={(event) => setText(event.target.value)} />
        </Ask>
      )}
      {asking === "assign" && users && (
        <Ask title={t("events.assign")} ready={!!assignee} onClose={close} onSubmit={() => finish("assign", { assignee })}>
          <ReferencePicker label={t("events.assignee")} target={users} value={assignee} onChange={(value) => setAssignee(value)} />
        </Ask>
      )}
      {asking === "suppress" && (
        <Ask title={t("events.suppress")} ready onClose={close} onSubmit={() => finish("suppress", { until: until ? new Date(until).toISOString() : null, reason: text })}>
          <TextField type="datetime-local" label={t("events.until")} helperText={t("events.untilHint")} value={until} onChange={(event) => setUntil(event.target.value)} slotProps={{ inputLabel: { shrink: true } }} />
          <TextField label={t("events.reason")} value={text} onChange={(event) => setText(event.target.value)} />
        </Ask>
      )}
      {asking === "due" && (
        <Ask title={t("events.dueDate")} ready onClose={close} onSubmit={() => finish("due", { due: until ? new Date(until).toISOString() : null })}>
          <TextField autoFocus type="datetime-local" label={t("events.dueDate")} helperText={t("events.dueHint")} value={until} onChange={(event) => setUntil(event.target.value)} slotProps={{ inputLabel: { shrink: true } }} />
        </Ask>
      )}
      {asking === "tag" && (
        <Ask title={t("events.tag")} ready={!!text.trim()} onClose={close} onSubmit={() => finish("tag", { tags: text.split(",").map((tag) => tag.trim()).filter(Boolean) })}>
          <TextField autoFocus required label={t("events.tags")} value={text} onChange={(event) => setText(event.target.value)} />
        </Ask>
      )}
      {asking === "comment" && (
        <Ask title={t("events.comment")} ready={!!text.trim()} onClose={close} onSubmit={() => finish("comment", { comment: text })}>
          <TextField autoFocus required multiline minRows={3} label={t("events.text")} value={text} onChange={(event) => setText(event.target.value)} />
        </Ask>
      )}
    </>
  );
}

export function SelectionBar({ ids, onDone }: { ids: string[]; onDone: () => void }) {
  if (ids.length === 0) return null;
  return (
    <Box role="toolbar" aria-label={t("events.selected", { count: ids.length })} data-testid="event-actions" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 0.5, px: 2, py: 0.5, bgcolor: "raised" }}>
      <Typography sx={{ fontWeight: 600, mr: 1 }}>{t("events.selected", { count: ids.length })}</Typography>
      <EventActions ids={ids} onDone={onDone} />
    </Box>
  );
}
