import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/http";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Waiting } from "../app/Messages";
import { Page, PlainTable, Section } from "../common/blocks";
import { count, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { readStatistics } from "../traps/api";
import { rate, TONE, trapListener, type Health } from "./intakeModel";
import { condition } from "./model";
import { SendHelp } from "./SendHelp";

function Figure({ label, value, alarm }: { label: string; value: string; alarm?: boolean }) {
  return (
    <Box>
      <Typography variant="body2" color="text.secondary">{label}</Typography>
      <Box sx={{ fontSize: 20, fontWeight: 600, fontVariantNumeric: "tabular-nums", color: alarm ? "error.main" : undefined }}>{value}</Box>
    </Box>
  );
}

/** Lines a second, from one look at the counter to the next. */
function useRate(health: Health | undefined, at: number): number | undefined {
  const before = useRef<{ stored: number; at: number }>(undefined);
  const [value, setValue] = useState<number>();
  useEffect(() => {
    if (!health) return;
    const now = { stored: health.stored, at };
    setValue(rate(before.current, now));
    before.current = now;
  }, [health, at]);
  return value;
}

export default function IntakePage() {
  useTitle(t("intake.title"));
  const { data, error, refetch, dataUpdatedAt } = useQuery({ queryKey: ["intake"], queryFn: ({ signal }) => api<Health>("/api/intake/", { signal }), refetchInterval: 3000, retry: false });
  const perSecond = useRate(data, dataUpdatedAt);
  const { user } = useSession();
  const { data: traps } = useQuery({ queryKey: ["trap-statistics"], queryFn: ({ signal }) => readStatistics(signal), refetchInterval: 10_000, retry: false, enabled: userMay(user, "trap_configuration", "view") });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Page title={t("intake.title")}>
      <Box sx={{ display: "grid", gap: 2, maxWidth: 1400 }}>
        <Alert severity={TONE[data.status]} data-testid="intake-status"><strong>{t(`intake.status.${data.status}`)}.</strong> {data.message}</Alert>
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 4 }}>
          <Figure label={t("intake.rate")} value={perSecond === undefined ? "–" : count(Math.round(perSecond))} />
          <Figure label={t("intake.stored")} value={count(data.stored)} />
          <Figure label={t("intake.waiting")} value={count(data.waiting)} />
          <Figure label={t("intake.lag")} value={t("intake.seconds", { seconds: data.lag_seconds.toFixed(1) })} alarm={data.lag_seconds > 5} />
          <Figure label={t("intake.unparsed")} value={count(data.unparsed)} />
        </Box>
        <Section title={t("intake.listeners")} testId="listeners">
          {data.listeners.length === 0 ? <Typography color="text.secondary">{t("intake.noListeners")}</Typography> : (
            <PlainTable label={t("intake.listeners")} head={[t("intake.listener"), t("intake.address"), "", `#${t("intake.received")}`, `#${t("intake.lost")}`, `#${t("intake.limited")}`, `#${t("intake.oversized")}`, `#${t("intake.connections")}`, `#${t("intake.refused")}`]}
              rows={[...data.listeners, ...(traps?.port ? [trapListener(traps)] : [])].map((item) => ({
                key: item.name,
                cells: [item.name, item.listening ? [item.address, item.port].filter(Boolean).join(":") : "", item.listening ? t("intake.listening") : <Box key="bad" component="span" sx={{ color: "error.main" }}>{t("intake.notListening")}: {item.trouble}</Box>,
                  count(item.received), count(item.dropped_by_kernel), count(item.storm_limited), count(item.oversized), item.kind === "udp" ? "" : count(item.connections), item.kind === "udp" ? "" : count(item.refused)],
              }))} />
          )}
        </Section>
        {data.refused.length > 0 && (
          <Section title={t("intake.refusedSenders")} testId="refused-senders">
            <PlainTable label={t("intake.refusedSenders")} head={[t("intake.source"), t("intake.listener"), t("intake.why"), `#${t("intake.refused")}`, t("intake.lastRefused")]}
              rows={data.refused.map((item) => ({ key: `${item.listener} ${item.source}`, cells: [item.source, item.listener, item.reason, count(item.count), relativeTime(item.last_refused)] }))} />
          </Section>
        )}
        {data.sources.length === 0 ? (
          <Section title={t("intake.nothing")} testId="intake-nothing">
            <Typography color="text.secondary" sx={{ mb: 1.5 }}>{t("intake.nothingHint")}</Typography>
            <SendHelp />
          </Section>
        ) : (
          <>
            <Section title={t("intake.sources")}>
              <PlainTable label={t("intake.sources")} testId="senders" head={[t("intake.source"), `#${t("intake.received")}`, `#${t("intake.parsed")}`, `#${t("intake.unparsed")}`, `#${t("intake.limited")}`, t("intake.last")]}
                rows={data.sources.map((item) => ({
                  key: item.source,
                  cells: [<Link key="link" to={`/logs/search?q=${encodeURIComponent(condition("source", item.source))}`}>{item.source}</Link>,
                    count(item.received), count(item.parsed), count(item.unparsed), count(item.storm_limited), relativeTime(item.last_received)],
                }))} />
            </Section>
            <Section title={t("intake.send")}><SendHelp /></Section>
          </>
        )}
      </Box>
    </Page>
  );
}
