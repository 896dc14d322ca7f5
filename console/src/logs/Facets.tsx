import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { count } from "../common/format";
import { t } from "../i18n";
import type { Facet } from "./api";

/** The most frequent values of a few fields; a click asks for one, with Alt for everything else. */
export function Facets({ facets, onPick }: { facets: Facet[]; onPick: (field: string, value: string, without: boolean) => void }) {
  return (
    <Box component="aside" aria-label={t("logs.facets")} sx={{ width: 210, flexShrink: 0, overflow: "auto", px: 1.5, py: 1, borderRight: 1, borderColor: "divider", display: { xs: "none", md: "block" } }}>
      {facets.filter((facet) => facet.values.length > 0).map((facet) => {
        const most = Math.max(1, ...facet.values.map((value) => value.count));
        return (
          <Box key={facet.field} sx={{ mb: 1.5 }}>
            <Typography variant="body2" sx={{ fontWeight: 600, mb: 0.25 }}>{facet.label}</Typography>
            {facet.values.map((value) => (
              <Box key={value.value} component="button" type="button" title={`${value.label}: ${t("logs.only")} (Alt: ${t("logs.without")})`} onClick={(event: React.MouseEvent) => onPick(facet.field, value.value, event.altKey)}
                sx={{ all: "unset", boxSizing: "border-box", cursor: "pointer", display: "flex", gap: 1, width: "100%", px: 0.5, py: "2px", fontSize: 12, borderRadius: 0.5, position: "relative", "&:hover": { bgcolor: "raised" }, "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" } }}>
                <Box component="span" aria-hidden sx={{ position: "absolute", left: 0, bottom: 0, height: 2, bgcolor: "primary.main", opacity: 0.5, width: `${(value.count / most) * 100}%` }} />
                <Box component="span" sx={{ flex: 1, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{value.label || t("logs.facetMissing")}</Box>
                <Box component="span" sx={{ color: "text.secondary", fontVariantNumeric: "tabular-nums" }}>{count(value.count)}</Box>
              </Box>
            ))}
          </Box>
        );
      })}
    </Box>
  );
}
