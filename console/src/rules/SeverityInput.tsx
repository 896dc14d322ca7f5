import Box from "@mui/material/Box";
import FormHelperText from "@mui/material/FormHelperText";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { verbUrl } from "../api/dataProvider";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { t } from "../i18n";
import type { SpecialInput } from "./inputs";
import { CODES, readCodes, SEVERITIES, severityName, withCode, type Code, type SeverityCodes } from "./severities";

/** Urgency, impact and priority by severity: one row each, empty where they are as shipped. */
export function SeverityInput({ field, value, onChange, error }: SpecialInput) {
  const meta = useResourceMeta("event_trigger");
  const { data } = useQuery({ queryKey: ["event_trigger", "options"], queryFn: ({ signal }) => api<{ extra?: { by_severity?: SeverityCodes } }>(verbUrl(meta, "options"), { signal }), staleTime: Infinity });
  const shipped = data?.extra?.by_severity ?? {};
  const table = readCodes(value);
  const choices = (code: Code) => meta.fields.find((item) => item.name === code)?.choices ?? [];
  const usual = (severity: string, code: Code) => {
    const held = shipped[severity]?.[code];
    const name = choices(code).find((choice) => Number(choice.id) === held)?.name;
    return name ? t("rules.asShippedIs", { name }) : code === "priority" ? t("rules.fromBoth") : t("rules.asShipped");
  };
  return (
    <Box role="group" aria-label={field.label} data-testid="by-severity">
      <Typography variant="body2" sx={{ fontWeight: 600, mb: 1 }}>{field.label}</Typography>
      <Box sx={{ display: "grid", gap: 1.75, pt: 0.5 }}>
        {SEVERITIES.map((severity) => (
          <Box key={severity} sx={{ display: "grid", gridTemplateColumns: { xs: "1fr", sm: "110px repeat(3, minmax(0, 1fr))" }, gap: 1, alignItems: "center" }}>
            <span>{severityName(severity)}</span>
            {CODES.map((code) => (
              <TextField key={code} select label={t(`rules.codes.${code}`)} value={table[severity]?.[code] ?? ""} onChange={(event) => onChange(withCode(table, severity, code, event.target.value === "" ? null : Number(event.target.value)))}
                slotProps={{ select: { displayEmpty: true, renderValue: (held) => (held === "" ? <Box component="span" sx={{ color: "text.secondary" }}>{usual(severity, code)}</Box> : choices(code).find((choice) => String(choice.id) === String(held))?.name ?? String(held)) }, inputLabel: { shrink: true }, htmlInput: { "aria-label": `${severityName(severity)}: ${t(`rules.codes.${code}`)}` } }}>
                <MenuItem value=""><em>{usual(severity, code)}</em></MenuItem>
                {choices(code).map((choice) => <MenuItem key={choice.id} value={Number(choice.id)}>{choice.name}</MenuItem>)}
              </TextField>
            ))}
          </Box>
        ))}
      </Box>
      <FormHelperText error={!!error}>{error ?? t("rules.bySeverityHint")}</FormHelperText>
    </Box>
  );
}
