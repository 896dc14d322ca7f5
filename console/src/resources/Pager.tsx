import ChevronLeft from "@mui/icons-material/ChevronLeft";
import ChevronRight from "@mui/icons-material/ChevronRight";
import Box from "@mui/material/Box";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useListContext } from "react-admin";
import { count } from "../common/format";
import { t } from "../i18n";

export function Pager() {
  const { page, perPage, total = 0, setPage, setPerPage } = useListContext();
  const pages = Math.max(1, Math.ceil(total / perPage));
  const from = total === 0 ? 0 : (page - 1) * perPage + 1;
  const to = Math.min(page * perPage, total);
  return (
    <Box sx={{ display: "flex", alignItems: "center", justifyContent: "flex-end", gap: 1, px: 2, py: 0.5, borderTop: 1, borderColor: "divider" }}>
      <TextField select fullWidth={false} value={perPage} onChange={(event) => setPerPage(Number(event.target.value))} variant="standard"
        slotProps={{ htmlInput: { "aria-label": t("resources.perPage") }, input: { disableUnderline: true } }}>
        {[...new Set([25, 50, 100, perPage])].sort((a, b) => a - b).map((size) => <MenuItem key={size} value={size}>{size}</MenuItem>)}
      </TextField>
      <Box data-testid="range" sx={{ fontVariantNumeric: "tabular-nums" }}>{t("resources.range", { from: count(from), to: count(to), total: count(total) })}</Box>
      <IconButton aria-label={t("resources.previousPage")} disabled={page <= 1} onClick={() => setPage(page - 1)}><ChevronLeft /></IconButton>
      <IconButton aria-label={t("resources.nextPage")} disabled={page >= pages} onClick={() => setPage(page + 1)}><ChevronRight /></IconButton>
    </Box>
  );
}
