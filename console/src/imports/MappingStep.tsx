import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { count } from "../common/format";
import { t } from "../i18n";
import { tableSx } from "./ErrorTable";
import type { Uploaded } from "./ImportWizard";
import { doubledColumns, missingColumns, type Mapping } from "./mapping";

export function MappingStep({ uploaded, name, mapping, busy, onChange, onBack, onNext }: {
  uploaded: Uploaded; name: string; mapping: Mapping; busy: boolean; onChange: (mapping: Mapping) => void; onBack: () => void; onNext: () => void;
}) {
  const missing = missingColumns(mapping, uploaded.columns);
  const twice = doubledColumns(mapping, uploaded.columns);
  const names = (columns: { label: string }[]) => columns.map((column) => column.label).join(", ");
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <Typography>{t("imports.rows", { n: count(uploaded.rows), name })}</Typography>
      <Box sx={{ ...tableSx, "& td": { verticalAlign: "middle" } }}>
        <table aria-label={t("imports.steps.map")}>
          <thead><tr><th scope="col">{t("imports.column")}</th><th scope="col">{t("imports.sample")}</th><th scope="col">{t("imports.field")}</th></tr></thead>
          <tbody>
            {uploaded.headers.map((header, index) => (
              <tr key={`${header}-${index}`}>
                <td>{header}</td>
                <Box component="td" sx={{ color: "text.secondary", maxWidth: 260, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
                  {uploaded.sample.slice(0, 3).map((row) => String(row[index] ?? "")).filter(Boolean).join(" · ")}
                </Box>
                <td>
                  <TextField select value={mapping[header] ?? ""} onChange={(event) => onChange({ ...mapping, [header]: event.target.value })} sx={{ minWidth: 200 }}
                    slotProps={{ select: { displayEmpty: true, SelectDisplayProps: { "aria-label": `${t("imports.field")}: ${header}` } as object } }}>
                    <MenuItem value=""><em>{t("imports.skip")}</em></MenuItem>
                    {uploaded.columns.map((column) => <MenuItem key={column.name} value={column.name}>{column.label}{column.required ? " *" : ""}</MenuItem>)}
                  </TextField>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {missing.length > 0 && <Alert severity="warning">{t("imports.missing", { names: names(missing) })}</Alert>}
      {twice.length > 0 && <Alert severity="error">{t("imports.twice", { names: names(twice) })}</Alert>}
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button onClick={onBack}>{t("common.back")}</Button>
        <Button variant="contained" disabled={busy || missing.length > 0 || twice.length > 0} onClick={onNext}>{busy ? t("imports.checking") : t("imports.check")}</Button>
      </Box>
    </Box>
  );
}
