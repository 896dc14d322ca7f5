import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useWatch } from "react-hook-form";
import { api, messageOf } from "../api/http";
import { preStyle, Section } from "../common/blocks";
import { useDebounced } from "../common/hooks";
import { SafeHtml } from "../common/SafeHtml";
import { t } from "../i18n";

const TEMPLATES = "/api/notification-templates/";

interface Shown {
  subject: string;
  body: string;
  html: string;
  record: string;
}

type Macros = Record<string, Record<string, string[]>>;

/** The message as it would read, while its words are typed, and the macros that can stand in it. */
export function TemplatePreview() {
  const [about, subject, body, html] = (useWatch({ name: ["about", "subject", "body", "html"] }) as unknown[]).map((value) => String(value ?? ""));
  const [id, setId] = useState("");
  const asked = useDebounced({ about: about || "event", subject, body, html, id: id.trim() }, 300);
  const { data, error } = useQuery({
    queryKey: ["template-preview", asked],
    queryFn: ({ signal }) => api<Shown>(`${TEMPLATES}preview/`, { method: "POST", body: asked, signal }),
    enabled: !!(asked.subject || asked.body), placeholderData: keepPreviousData, retry: false,
  });
  const { data: options } = useQuery({ queryKey: ["template-options"], queryFn: ({ signal }) => api<{ extra: { macros: Macros } }>(`${TEMPLATES}options/`, { signal }), staleTime: Infinity });
  const macros = Object.entries(options?.extra.macros[asked.about] ?? {});
  return (
    <Section title={t("notify.preview")} testId="template-preview">
      <TextField label={t("notify.previewOf")} helperText={t("notify.previewOfHint")} value={id} onChange={(event) => setId(event.target.value)} sx={{ mb: 1, maxWidth: 360 }} />
      {error && <Alert severity="error">{messageOf(error)}</Alert>}
      {data && !error && (
        <Box sx={{ display: "grid", gap: 1 }}>
          <Typography sx={{ fontWeight: 600 }} data-testid="preview-subject">{data.subject}</Typography>
          <Box component="pre" data-testid="preview-body" sx={preStyle}>{data.body}</Box>
          {asked.html && <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 1 }}><SafeHtml html={data.html} /></Box>}
        </Box>
      )}
      <Box component="details" sx={{ mt: 1.5, fontSize: 12 }}>
        <summary>{t("notify.macros")}</summary>
        <Typography variant="body2" color="text.secondary" sx={{ my: 0.5 }}>{t("notify.filters")}</Typography>
        {macros.map(([word, fields]) => <Box key={word} sx={{ overflowWrap: "anywhere" }}><code>{(fields.length > 0 ? fields.map((name) => `{{ ${word}.${name} }}`) : [`{{ ${word} }}`]).join("  ")}</code></Box>)}
      </Box>
    </Section>
  );
}
