import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ResourceMeta, Row } from "../api/types";
import { FieldValue } from "./FieldValue";
import { formFields, forRecord, sections } from "./form";

export function Details({ meta, record }: { meta: ResourceMeta; record: Row }) {
  const fields = formFields(forRecord(meta, record), false).filter((field) => field.kind !== "secret");
  return (
    <Box sx={{ display: "grid", gap: 3 }}>
      {sections(fields).map(([name, items]) => (
        <Box key={name} component="section" aria-label={name}>
          <Typography variant="h2" sx={{ mb: 1 }}>{name}</Typography>
          <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "1fr", sm: "180px 1fr" }, rowGap: 0.75, "& dt": { color: "text.secondary" }, "& dd": { m: 0, whiteSpace: "pre-wrap", overflowWrap: "anywhere" } }}>
            {items.map((field) => (
              <Box key={field.name} sx={{ display: "contents" }}>
                <dt>{field.label}</dt>
                <dd><FieldValue record={record} field={field} link /> </dd>
              </Box>
            ))}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
