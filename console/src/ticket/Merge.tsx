import Alert from "@mui/material/Alert";
import Autocomplete from "@mui/material/Autocomplete";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormControlLabel from "@mui/material/FormControlLabel";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useDataProvider, useNotify } from "react-admin";
import { api, messageOf } from "../api/http";
import type { Row } from "../api/types";
import { DialogFrame } from "../common/dialogs";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import type { BulkAction } from "../resources/panels";
import { INCIDENTS, MOST_MERGED, mergeable, relatives, type Mergeable } from "./model";

/** Merges `ids` into one; what the server refuses is told where it was asked. */
function MergeDialog({ title, hint, target, ids, children, onClose, onDone }: {
  title: string; hint: string; target: string | undefined; ids: string[]; children: ReactNode; onClose: () => void; onDone: () => void;
}) {
  const [note, setNote] = useState("");
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const merge = async () => {
    if (!target) return;
    setFailure(undefined);
    setBusy(true);
    try {
      await api(`${INCIDENTS}merge/`, { method: "POST", body: { incident_id: target, ids, note: note.trim() } });
      onDone();
    } catch (error) {
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <DialogFrame title={title} onClose={onClose}>
      <Box component="form" sx={{ display: "grid", gap: 2, pt: 1 }} onSubmit={(event) => { event.preventDefault(); void merge(); }}>
        <Typography color="text.secondary">{hint}</Typography>
        {failure && <Alert severity="error">{failure}</Alert>}
        {children}
        <TextField multiline minRows={2} label={t("ticket.mergeNote")} value={note} onChange={(event) => setNote(event.target.value)} />
        <Box sx={{ display: "flex", gap: 1, justifyContent: "flex-end" }}>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" variant="contained" disabled={busy || !target}>{t("ticket.mergeAction")}</Button>
        </Box>
      </Box>
    </DialogFrame>
  );
}

/** Finds a ticket by its number, its summary or who reported it. */
function TicketPicker({ without, value, onChange }: { without: string; value: Mergeable | null; onChange: (ticket: Mergeable | null) => void }) {
  const provider = useDataProvider();
  const [text, setText] = useState("");
  const q = useDebounced(text.trim(), 200);
  const { data, isFetching } = useQuery({
    queryKey: ["incident", "getList", "merge", q],
    queryFn: () => provider.getList<Row>("incident", { pagination: { page: 1, perPage: 20 }, sort: { field: "creation_time", order: "DESC" }, filter: { q } }),
    placeholderData: keepPreviousData,
  });
  return (
    <Autocomplete value={value} options={mergeable(data?.data ?? []).filter((ticket) => ticket.id !== without)} filterOptions={(all) => all} loading={isFetching} autoHighlight
      getOptionLabel={(ticket) => `${ticket.displayId} ${ticket.summary}`} getOptionKey={(ticket) => ticket.id} isOptionEqualToValue={(a, b) => a.id === b.id}
      noOptionsText={t("resources.refNone")} onInputChange={(_, next, why) => setText(why === "input" ? next : "")} onChange={(_, ticket) => onChange(ticket)}
      renderInput={(params) => <TextField {...params} autoFocus required label={t("ticket.mergeWith")} helperText={t("ticket.mergeFind")} />} />
  );
}

export function MergeButton({ id, reference, onDone }: { id: string; reference: unknown; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [other, setOther] = useState<Mergeable | null>(null);
  if (relatives(reference).into) return null;
  return (
    <>
      <Button onClick={() => setAsking(true)}>{t("ticket.merge")}</Button>
      {asking && (
        <MergeDialog title={t("ticket.merge")} hint={t("ticket.mergeHint")} target={other?.id} ids={[id]} onClose={() => setAsking(false)} onDone={() => { setAsking(false); onDone(); }}>
          <TicketPicker without={id} value={other} onChange={setOther} />
        </MergeDialog>
      )}
    </>
  );
}

/** Several reports of one trouble, marked in the list, become one ticket: the oldest unless another is chosen. */
export function MergeMarked({ rows, onDone }: BulkAction) {
  const notify = useNotify();
  const tickets = mergeable(rows);
  const [asking, setAsking] = useState(false);
  const [chosen, setChosen] = useState<string>();
  if (tickets.length < 2 || tickets.length > MOST_MERGED) return null;
  const target = tickets.find((ticket) => ticket.id === chosen) ?? tickets[0];
  return (
    <>
      <Button onClick={() => setAsking(true)}>{t("ticket.mergeMany")}</Button>
      {asking && target && (
        <MergeDialog title={t("ticket.mergeManyTitle", { n: tickets.length })} hint={t("ticket.mergeManyHint")} target={target.id} ids={tickets.filter((ticket) => ticket !== target).map((ticket) => ticket.id)}
          onClose={() => setAsking(false)} onDone={() => { setAsking(false); notify(t("ticket.mergedMany", { id: target.displayId }), { type: "success" }); onDone(); }}>
          <RadioGroup aria-label={t("ticket.mergeWith")} value={target.id} onChange={(_, next) => setChosen(next)}>
            {tickets.map((ticket) => <FormControlLabel key={ticket.id} value={ticket.id} control={<Radio size="small" />} label={`${ticket.displayId} ${ticket.summary}`} />)}
          </RadioGroup>
        </MergeDialog>
      )}
    </>
  );
}
