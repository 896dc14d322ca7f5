import ArrowDownward from "@mui/icons-material/ArrowDownward";
import ArrowUpward from "@mui/icons-material/ArrowUpward";
import ViewColumn from "@mui/icons-material/ViewColumn";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import IconButton from "@mui/material/IconButton";
import Popover from "@mui/material/Popover";
import Typography from "@mui/material/Typography";
import { useEffect, useRef, useState } from "react";
import type { FieldMeta, ResourceMeta } from "../api/types";
import { t } from "../i18n";
import { listableFields, moved } from "./columns";

export function ColumnChooser({ meta, columns, onChange }: { meta: ResourceMeta; columns: FieldMeta[]; onChange: (names: string[] | undefined) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const names = columns.map((column) => column.name);
  const hidden = listableFields(meta).filter((field) => !names.includes(field.name));
  const paper = useRef<HTMLDivElement>(null);
  const ticked = useRef("");
  const tick = (name: string, after: string[]) => {
    ticked.current = name;
    onChange(after);
  };
  // A field that is ticked moves to another place; the keyboard goes along with it.
  useEffect(() => {
    if (ticked.current && paper.current && !paper.current.contains(document.activeElement))
      paper.current.querySelector<HTMLInputElement>(`input[name="${CSS.escape(ticked.current)}"]`)?.focus();
    ticked.current = "";
  }, [columns]);
  return (
    <>
      <Button color="inherit" startIcon={<ViewColumn />} onClick={(event) => setAnchor(event.currentTarget)} aria-haspopup="dialog">{t("resources.columns")}</Button>
      <Popover open={!!anchor} anchorEl={anchor} onClose={() => setAnchor(null)} anchorOrigin={{ vertical: "bottom", horizontal: "left" }}
        slotProps={{ paper: { ref: paper, role: "dialog", "aria-label": t("resources.columns"), sx: { p: 1.5, width: 300, maxHeight: "70vh" } } }}>
        <Box sx={{ display: "flex", alignItems: "center", mb: 0.5 }}>
          <Typography variant="body2" color="text.secondary" sx={{ flex: 1 }}>{t("resources.columnsHint")}</Typography>
          <Button onClick={() => onChange(undefined)}>{t("resources.reset")}</Button>
        </Box>
        {columns.map((field, index) => (
          <Box key={field.name} sx={{ display: "flex", alignItems: "center" }}>
            <FormControlLabel sx={{ flex: 1, m: 0 }} label={field.label}
              control={<Checkbox name={field.name} checked disabled={columns.length === 1} onChange={() => tick(field.name, names.filter((name) => name !== field.name))} />} />
            <IconButton aria-label={t("resources.moveUp", { name: field.label })} disabled={index === 0} onClick={() => onChange(moved(names, field.name, -1))}><ArrowUpward fontSize="inherit" /></IconButton>
            <IconButton aria-label={t("resources.moveDown", { name: field.label })} disabled={index === columns.length - 1} onClick={() => onChange(moved(names, field.name, 1))}><ArrowDownward fontSize="inherit" /></IconButton>
          </Box>
        ))}
        {hidden.map((field) => (
          <FormControlLabel key={field.name} sx={{ display: "flex", m: 0 }} label={field.label}
            control={<Checkbox name={field.name} checked={false} onChange={() => tick(field.name, [...names, field.name])} />} />
        ))}
      </Popover>
    </>
  );
}
