import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { count } from "../common/format";
import { t } from "../i18n";
import { readFields, type Facet, type Range } from "./api";
import { foundFields } from "./model";

interface FieldListProps {
  range: Range;
  columns: string[];
  /** Fields whose values are shown beside the usual ones. */
  opened: string[];
  onOpen: (field: string) => void;
  onColumn: (field: string) => void;
}

/** The fields that the lines of the range have: each can be looked into, or shown as a column. */
function FieldList({ range, columns, opened, onOpen, onColumn }: FieldListProps) {
  const [search, setSearch] = useState("");
  const { data } = useQuery({ queryKey: ["logs", "fields", range.from, range.to], queryFn: ({ signal }) => readFields(range, signal), staleTime: 60_000, retry: false });
  if (!data || data.results.length === 0) return null;
  return (
    <Box component="details" data-testid="log-fields">
      <Box component="summary" title={t("logs.fieldsHint")} sx={{ fontWeight: 600, fontSize: 13, cursor: "pointer", mb: 0.5 }}>{t("logs.fields")} ({count(data.results.length)})</Box>
      {data.results.length > 12 && <TextField fullWidth placeholder={t("logs.fieldSearch")} value={search} onChange={(event) => setSearch(event.target.value)} slotProps={{ htmlInput: { "aria-label": t("logs.fieldSearch") } }} sx={{ mb: 0.5 }} />}
      {foundFields(data.results, search).map((field) => (
        <Box key={field.name} sx={{ display: "flex", alignItems: "center", "& button": { minWidth: 0, px: 0.5, py: 0, fontSize: 12, fontWeight: 400, textTransform: "none" } }}>
          <Button color="inherit" aria-pressed={opened.includes(field.name)} title={field.help || field.kind} onClick={() => onOpen(field.name)} sx={{ flex: 1, justifyContent: "flex-start", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{field.name.replace(/^fields\./, "")}</Button>
          <Button aria-pressed={columns.includes(field.name)} aria-label={`${columns.includes(field.name) ? t("logs.noColumn") : t("logs.asColumn")}: ${field.name}`} title={columns.includes(field.name) ? t("logs.noColumn") : t("logs.asColumn")} onClick={() => onColumn(field.name)} sx={{ opacity: columns.includes(field.name) ? 1 : 0.5 }}>▥</Button>
        </Box>
      ))}
    </Box>
  );
}

/** The most frequent values of a few fields; a click asks for one, with Alt for everything else. */
export function Facets({ facets, onPick, ...list }: FieldListProps & { facets: Facet[]; onPick: (field: string, value: string, without: boolean) => void }) {
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
      <FieldList {...list} />
    </Box>
  );
}
