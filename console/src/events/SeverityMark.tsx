import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";

/** The colours that alarm lists have: critical red, major orange, minor yellow, informational green, unknown blue, maintenance grey. */
const FILL = {
  light: ["", "#c62828", "#d9650b", "#e0b400", "#2e7d32", "#1f6fc4", "#7a8291"],
  dark: ["", "#ff6b5e", "#ff9d4d", "#f4d03f", "#6fcf7f", "#6cb2ff", "#9aa3b2"],
};

export function useSeverityColor(): (severity: number) => string {
  const { palette } = useTheme();
  return (severity) => FILL[palette.mode][severity] ?? FILL[palette.mode][6] ?? "";
}

/** The name stands beside the colour: colour alone tells too little to too many. */
export function SeverityMark({ severity, name, short }: { severity: number; name: string; short?: boolean }) {
  const color = useSeverityColor();
  return (
    <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.75, whiteSpace: "nowrap" }}>
      <Box component="span" aria-hidden sx={{ width: 10, height: 10, borderRadius: "2px", flexShrink: 0 }} style={{ backgroundColor: color(severity) }} />
      {short ? <Box component="span" sx={{ position: "absolute", width: 1, height: 1, overflow: "hidden", clipPath: "inset(50%)" }}>{name}</Box> : name}
    </Box>
  );
}
