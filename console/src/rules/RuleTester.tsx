import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useWatch } from "react-hook-form";
import { api, messageOf } from "../api/http";
import { preStyle, Section } from "../common/blocks";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import { linesOf } from "../pipeline/model";

interface Answer {
  results: { message: string; matched: boolean; rule?: string; event_class?: string; variables?: Record<string, string> }[];
}

/** Tries the pattern of the form on messages while both are typed; without a pattern the rules in force. */
export function RuleTester() {
  const [text, setText] = useState("");
  const pattern = String((useWatch({ name: "pattern" }) as unknown) ?? "");
  const asked = useDebounced({ pattern, text }, 300);
  const messages = linesOf(asked.text).slice(0, 100);
  const { data, error } = useQuery({
    queryKey: ["rule-test", asked.pattern, asked.text],
    queryFn: ({ signal }) => api<Answer>("/ux/common/events/rules/test/", { method: "POST", body: { messages, pattern: asked.pattern }, signal }),
    enabled: messages.length > 0, placeholderData: keepPreviousData, retry: false,
  });
  return (
    <Section title={t("rules.test")} testId="rule-tester">
      <TextField multiline minRows={3} maxRows={10} fullWidth label={t("rules.test")} helperText={t("rules.testHint")} value={text} onChange={(event) => setText(event.target.value)} slotProps={{ input: { sx: { fontFamily: "monospace", fontSize: 12 } } }} />
      {error && <Alert severity="error" sx={{ mt: 1 }}>{messageOf(error)}</Alert>}
      {messages.length > 0 && !error && data?.results.map((result, index) => (
        <Box key={index} data-testid="rule-result" data-matched={result.matched} sx={{ mt: 1 }}>
          <Box component="pre" sx={preStyle}>{result.message}</Box>
          <Box sx={{ fontSize: 12, color: result.matched ? "success.main" : "text.secondary" }}>
            {result.matched ? t("rules.matched") : t("rules.notMatched")}{result.rule && ` · ${t("rules.byRule")}: ${result.rule}`}{result.event_class && ` · ${result.event_class}`}
            {Object.entries(result.variables ?? {}).map(([name, value]) => ` · ${name}: ${value}`)}
          </Box>
        </Box>
      ))}
    </Section>
  );
}
