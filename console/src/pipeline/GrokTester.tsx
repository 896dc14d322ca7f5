import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { messageOf } from "../api/http";
import { preStyle } from "../common/blocks";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import { tryPattern, type TrialResult } from "./grokApi";
import { linesOf } from "./model";

/** One line: what matched of it, the fields; or how far it matched and why no further. */
function Result({ result }: { result: TrialResult }) {
  const end = result.start + result.length;
  return (
    <Box component="li" data-testid="grok-result" data-matched={result.matched} sx={{ py: 1, borderBottom: 1, borderColor: "divider" }}>
      <Box component="pre" sx={preStyle}>
        {result.matched ? (
          <>
            {result.line.slice(0, result.start)}
            <Box component="mark" sx={{ bgcolor: "note.main", color: "note.text" }}>{result.line.slice(result.start, end)}</Box>
            {result.line.slice(end)}
          </>
        ) : result.line}
      </Box>
      {result.matched && (
        <Box component="dl" sx={{ m: 0, mt: 0.5, display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.25, fontSize: 12 }}>
          {Object.keys(result.fields).length === 0 && <Box component="dd" sx={{ m: 0, color: "text.secondary" }}>{t("pipeline.whole")}</Box>}
          {Object.entries(result.fields).map(([name, value]) => (
            <Box key={name} sx={{ display: "flex", gap: 0.5 }}>
              <Box component="dt" sx={{ color: "text.secondary" }}>{name}</Box>
              <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere", fontWeight: 500 }}>{String(value)}</Box>
            </Box>
          ))}
        </Box>
      )}
      {!result.matched && (
        <Box sx={{ fontSize: 12, mt: 0.5 }}>
          <Box sx={{ color: "error.main" }}>{result.reason}</Box>
          {result.matched_expression && (
            <Box sx={{ color: "text.secondary" }}>
              {t("pipeline.longest")} <code>{result.matched_expression}</code> ({result.matched_text ? <code>{result.matched_text}</code> : "–"}), {t("pipeline.failsAt")} <code>{result.failed_at}</code>{result.rest && <> {t("pipeline.rest")} <code>{result.rest.slice(0, 60)}</code></>}
            </Box>
          )}
        </Box>
      )}
    </Box>
  );
}

/** Tries an expression while it is typed. */
export function GrokTester({ pattern, samples, onRewrite }: { pattern: string; samples: string; onRewrite?: (pattern: string) => void }) {
  const asked = useDebounced({ pattern, samples }, 300);
  const lines = linesOf(asked.samples).slice(0, 200);
  const { data, error } = useQuery({
    queryKey: ["grok", asked.pattern, asked.samples],
    queryFn: ({ signal }) => tryPattern(asked.pattern, lines, signal),
    enabled: asked.pattern.trim() !== "",
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (!pattern.trim()) return <Typography color="text.secondary">{t("pipeline.grokHint")}</Typography>;
  if (error) return <Alert severity="error">{messageOf(error)}</Alert>;
  if (!data) return null;
  if (!data.valid) {
    return (
      <Alert severity="error" data-testid="grok-refused" action={data.rewrite && onRewrite ? <Button color="inherit" onClick={() => onRewrite(data.rewrite ?? "")}>{t("pipeline.useRewrite")}</Button> : undefined}>
        {data.reason}
        {data.position && <Box component="pre" sx={{ ...preStyle, mt: 0.5 }}>{asked.pattern.slice(0, data.position.start)}<Box component="mark" sx={{ bgcolor: "error.main", color: "error.contrastText" }}>{asked.pattern.slice(data.position.start, data.position.end) || " "}</Box>{asked.pattern.slice(data.position.end)}</Box>}
        {data.rewrite && <Box sx={{ mt: 0.5 }}>{t("pipeline.rewrite")} <code>{data.rewrite}</code></Box>}
      </Alert>
    );
  }
  return (
    <Box>
      <Typography sx={{ fontWeight: 600 }} data-testid="grok-summary">{lines.length === 0 ? t("pipeline.noSamples") : t("pipeline.tried", { matched: data.matched, count: lines.length, smart_count: lines.length })}</Typography>
      <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none" }}>{data.results.map((result, index) => <Result key={index} result={result} />)}</Box>
      <Box component="details" sx={{ mt: 1, fontSize: 12 }}>
        <summary>{t("pipeline.regex")}</summary>
        <Box component="pre" sx={preStyle}>{data.regex}</Box>
      </Box>
    </Box>
  );
}
