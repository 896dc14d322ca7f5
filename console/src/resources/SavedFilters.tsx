import BookmarkBorder from "@mui/icons-material/BookmarkBorder";
import DeleteOutline from "@mui/icons-material/DeleteOutline";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Popover from "@mui/material/Popover";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useNotify } from "react-admin";
import type { ListFilter } from "../api/filters";
import type { SavedFilter } from "../api/pageConfig";
import { t } from "../i18n";

export function SavedFilters({ filters, current, onApply, onChange }: {
  filters: SavedFilter[]; current: ListFilter; onApply: (filter: SavedFilter) => void; onChange: (filters: SavedFilter[]) => void;
}) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [name, setName] = useState("");
  const notify = useNotify();
  const hasFilter = (current.where?.length ?? 0) > 0 || !!current.q;
  const save = () => {
    const entry: SavedFilter = { name: name.trim(), where: current.where ?? [], any: current.any, q: current.q };
    onChange([...filters.filter((filter) => filter.name !== entry.name), entry]);
    setName("");
    notify(t("resources.filterSaved"), { type: "success" });
  };
  return (
    <>
      <Button color="inherit" startIcon={<BookmarkBorder />} aria-haspopup="dialog" onClick={(event) => setAnchor(event.currentTarget)}>{t("resources.savedFilters")}</Button>
      <Popover open={!!anchor} anchorEl={anchor} onClose={() => setAnchor(null)} anchorOrigin={{ vertical: "bottom", horizontal: "left" }}
        slotProps={{ paper: { role: "dialog", "aria-label": t("resources.savedFilters"), sx: { p: 1.5, width: 320 } } }}>
        {filters.length === 0 && <Typography color="text.secondary" sx={{ mb: 1 }}>{t("resources.noSavedFilters")}</Typography>}
        {filters.map((filter) => (
          <Box key={filter.name} sx={{ display: "flex" }}>
            <Button sx={{ flex: 1, justifyContent: "flex-start" }} onClick={() => { onApply(filter); setAnchor(null); }}>{filter.name}</Button>
            <IconButton aria-label={t("resources.deleteFilter", { name: filter.name })} onClick={() => onChange(filters.filter((item) => item !== filter))}><DeleteOutline fontSize="small" /></IconButton>
          </Box>
        ))}
        {hasFilter && (
          <Box component="form" sx={{ display: "flex", gap: 1, mt: 1 }} onSubmit={(event) => { event.preventDefault(); if (name.trim()) save(); }}>
            <TextField label={t("resources.filterName")} value={name} onChange={(event) => setName(event.target.value)} />
            <Button type="submit" variant="outlined" disabled={!name.trim()}>{t("common.save")}</Button>
          </Box>
        )}
      </Popover>
    </>
  );
}
