import Box from "@mui/material/Box";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { t } from "../i18n";
import type { SpecialInput } from "../rules/inputs";
import { readNumber } from "./model";

/** A sysObjectID, or the beginning of one, without the sign that tells them apart. */
export function NumberInput({ field, value, onChange, error }: SpecialInput) {
  const { exact, oid } = readNumber(value);
  const take = (whole: boolean, text: string) => onChange(`${whole ? "=" : ""}${text.replace(/^=/, "")}`);
  return (
    <Box sx={{ display: "grid", gridTemplateColumns: "130px minmax(0,1fr)", gap: 1, alignItems: "start" }}>
      <TextField select label={field.label} value={exact ? "exact" : "begins"} onChange={(event) => take(event.target.value === "exact", oid)} slotProps={{ select: { SelectDisplayProps: { "aria-label": `${field.label}: ${t("templates.how")}`, "aria-labelledby": undefined } } }}>
        <MenuItem value="begins">{t("templates.begins")}</MenuItem>
        <MenuItem value="exact">{t("templates.exact")}</MenuItem>
      </TextField>
      <TextField name={field.name} value={oid} error={!!error} helperText={error ?? t(exact ? "templates.exactHint" : "templates.beginsHint")} placeholder="1.3.6.1.4.1.9.1.1208" onChange={(event) => take(exact || event.target.value.startsWith("="), event.target.value.trim())}
        slotProps={{ htmlInput: { maxLength: field.max_length ?? undefined, "aria-label": field.label, autoComplete: "off" }, input: { sx: { fontFamily: "monospace", fontSize: 13 } } }} />
    </Box>
  );
}
