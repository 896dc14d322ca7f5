import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { t } from "../i18n";

export interface RowError {
  row?: number;
  field?: string;
  value?: unknown;
  error: string;
}

export const tableSx = {
  overflowX: "auto",
  "& table": { borderCollapse: "collapse", width: "100%" },
  "& th, & td": { textAlign: "left", px: 1, py: 0.5, borderBottom: 1, borderColor: "divider", verticalAlign: "top" },
  "& th": { color: "text.secondary", fontWeight: 600, fontSize: 12 },
} as const;

export function ErrorTable({ errors }: { errors: RowError[] }) {
  return (
    <Box sx={{ ...tableSx, maxHeight: 360, overflowY: "auto" }} data-testid="row-errors">
      <Typography color="text.secondary" sx={{ mb: 0.5 }}>{t("imports.firstErrors", { n: errors.length })}</Typography>
      <table>
        <thead><tr><th scope="col">{t("imports.row")}</th><th scope="col">{t("imports.field")}</th><th scope="col">{t("imports.value")}</th><th scope="col">{t("imports.problem")}</th></tr></thead>
        <tbody>
          {errors.map((error, index) => (
            <tr key={index}><td>{error.row}</td><td>{error.field}</td><td>{error.value === undefined || error.value === null ? "" : String(error.value)}</td><td>{error.error}</td></tr>
          ))}
        </tbody>
      </table>
    </Box>
  );
}
