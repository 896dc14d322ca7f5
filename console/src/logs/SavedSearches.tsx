import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { api, messageOf } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { t } from "../i18n";
import type { Range } from "./api";

const PATH = "/ux/logmanagement/log_search/log_search/";

interface Saved {
  id: string;
  name: string;
  query: string;
  time_from: string;
  time_to: string;
  columns: string[];
}

export function SavedSearches({ range, columns, onOpen }: { range: Range; columns: string[]; onOpen: (range: Range, columns: string[]) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [saving, setSaving] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const client = useQueryClient();
  const notify = useNotify();
  const { data } = useQuery({
    queryKey: ["log_search", "getList", "menu"],
    queryFn: ({ signal }) => api<ListEnvelope<Saved>>(`${PATH}?items_per_page=100&sort=name`, { signal }),
    enabled: !!anchor,
  });
  const save = async () => {
    try {
      await api(PATH, { method: "POST", body: { name, shared, query: range.query, time_from: range.from, time_to: range.to, columns } });
      setSaving(false);
      setName("");
      notify(t("common.saved"));
      void client.invalidateQueries({ queryKey: ["log_search"] });
    } catch (error) {
      notify(messageOf(error), { type: "error" });
    }
  };
  return (
    <>
      <Button color="inherit" onClick={(event) => setAnchor(event.currentTarget)}>{t("logs.saved")}</Button>
      <Menu anchorEl={anchor} open={!!anchor} onClose={() => setAnchor(null)}>
        <MenuItem onClick={() => { setAnchor(null); setSaving(true); }}>{t("logs.save")}…</MenuItem>
        {data?.results.length === 0 && <MenuItem disabled>{t("logs.noSaved")}</MenuItem>}
        {data?.results.map((saved) => (
          <MenuItem key={saved.id} onClick={() => { setAnchor(null); onOpen({ query: saved.query, from: saved.time_from, to: saved.time_to }, saved.columns ?? []); }}>{saved.name}</MenuItem>
        ))}
      </Menu>
      <Dialog open={saving} onClose={() => setSaving(false)}>
        <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
          <DialogTitle>{t("logs.save")}</DialogTitle>
          <DialogContent>
            <TextField autoFocus required label={t("logs.saveName")} value={name} onChange={(event) => setName(event.target.value)} sx={{ mt: 1 }} />
            <FormControlLabel control={<Checkbox checked={shared} onChange={(event) => setShared(event.target.checked)} />} label={t("logs.saveShared")} />
          </DialogContent>
          <DialogActions>
            <Button onClick={() => setSaving(false)}>{t("common.cancel")}</Button>
            <Button type="submit" variant="contained" disabled={!name.trim()}>{t("common.save")}</Button>
          </DialogActions>
        </form>
      </Dialog>
    </>
  );
}
