import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "react-router-dom";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Message, Waiting } from "../app/Messages";
import { Facts, Page, PlainTable, preStyle, Section } from "../common/blocks";
import { count, exactTime, relativeTime } from "../common/format";
import { useAddress, useTitle } from "../common/hooks";
import { SeverityMark } from "../events/SeverityMark";
import { t } from "../i18n";
import { MakeRule } from "../mibs/MibExplorer";
import { SearchBox } from "../resources/SearchBox";
import { hexDump, readStatistics, readTrap, readTraps, type Asked, type Statistics } from "./api";

const SEVERITY = ["", "Critical", "Major", "Minor", "Informational"];

function Detail({ id }: { id: string }) {
  const { user } = useSession();
  const { data } = useQuery({ queryKey: ["trap", id], queryFn: ({ signal }) => readTrap(id, signal), staleTime: Infinity, retry: false });
  if (!data) return null;
  const { trap } = data;
  return (
    <Section title={trap.name || trap.trap_oid} testId="trap-detail"
      actions={!trap.trap_configuration && data.notification && userMay(user, "trap_configuration", "add") && <MakeRule notification={data.notification.oid} />}>
      <Facts facts={[
        [t("traps.received"), exactTime(trap.received)], [t("traps.source"), trap.source], [t("traps.agent"), trap.agent !== trap.source && trap.agent],
        [t("traps.oid"), <code key="oid">{trap.trap_oid}</code>], [t("traps.version"), trap.inform ? `${trap.version} inform` : trap.version], [t("traps.credential"), trap.credential],
        [t("traps.configuration"), trap.trap_configuration && <Link key="c" to={`/trap_configuration/${trap.trap_configuration}`}>{t("traps.open")}</Link>],
        [t("traps.inMib"), data.notification && <Link key="m" to={`/mibs?oid=${data.notification.oid}`}>{data.notification.module}::{data.notification.name}</Link>],
      ].filter((fact): fact is [string, string] => fact[1] !== false)} />
      <Typography sx={{ fontWeight: 600, mt: 1.5 }}>{t("traps.variables")}</Typography>
      {data.values.length > 0
        ? <PlainTable label={t("traps.variables")} head={[t("mibs.name"), t("mibs.value"), t("mibs.syntax")]} rows={data.values.map((item) => ({ key: item.oid, cells: [<span key="n" title={item.oid}>{item.name}</span>, item.value, item.type] }))} />
        : <Facts facts={Object.entries(trap.variables)} />}
      {data.description && <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{data.description}</Typography>}
      <Box component="details" sx={{ mt: 1.5 }}>
        <summary>{t("traps.raw")} ({t("traps.bytes", { size: data.size })})</summary>
        <Box component="pre" sx={{ ...preStyle, whiteSpace: "pre", overflow: "auto" }}>{hexDump(data.raw)}</Box>
      </Box>
    </Section>
  );
}

function Strangers({ statistics }: { statistics: Statistics }) {
  const { user } = useSession();
  if (statistics.strangers.length === 0) return null;
  return (
    <Section title={t("traps.strangers")} testId="strangers" actions={userMay(user, "trap_credential", "add") && <Button component={Link} to="/trap_credential/create" variant="outlined">{t("traps.addCredential")}</Button>}>
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("traps.strangersHint")}</Typography>
      <PlainTable label={t("traps.strangers")} head={[t("traps.source"), t("traps.reason"), t("traps.who"), `#${t("traps.count")}`, t("traps.last")]}
        rows={statistics.strangers.slice(0, 20).map((item, index) => ({ key: String(index), cells: [item.source, item.reason, <code key="w">{item.who}</code>, count(item.count), relativeTime(item.last)] }))} />
    </Section>
  );
}

export default function TrapsPage() {
  useTitle(t("traps.title"));
  const [params, putAll] = useAddress(true);
  const configured = params.get("configured");
  const asked: Asked = { search: params.get("q") ?? "", source: params.get("source") ?? "", configured: configured === "true" || configured === "false" ? configured : "", page: Number(params.get("page") ?? 1) || 1 };
  const chosen = params.get("trap") ?? "";
  const put = (change: Record<string, string>) => putAll({ page: "", ...change });
  const { data, error, refetch } = useQuery({ queryKey: ["traps", asked], queryFn: ({ signal }) => readTraps(asked, signal), refetchInterval: 5000, placeholderData: keepPreviousData });
  const { data: statistics } = useQuery({ queryKey: ["trap-statistics"], queryFn: ({ signal }) => readStatistics(signal), refetchInterval: 10_000 });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const narrowed = !!(asked.search || asked.source || asked.configured);
  return (
    <Page title={t("traps.title")} actions={
      <>
        <SearchBox label={t("traps.search")} value={asked.search} onChange={(q) => put({ q })} />
        <ToggleButtonGroup size="small" exclusive value={asked.configured} onChange={(_event, value: string | null) => value !== null && put({ configured: value })} sx={{ height: 33, "& button": { textTransform: "none", px: 1.25 } }}>
          <ToggleButton value="">{t("traps.all")}</ToggleButton>
          <ToggleButton value="true">{t("traps.configured")}</ToggleButton>
          <ToggleButton value="false">{t("traps.unconfigured")}</ToggleButton>
        </ToggleButtonGroup>
      </>
    }>
      {statistics && <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("traps.stats", { accepted: count(statistics.accepted), refused: count(statistics.refused), malformed: count(statistics.malformed), lost: count(statistics.lost + statistics.kernel_dropped + statistics.limited) })}</Typography>}
      {statistics?.problem && <Alert severity="warning" sx={{ mb: 2 }}>{statistics.problem}</Alert>}
      <Box sx={{ display: "grid", gap: 2 }}>
        {data.results.length === 0 ? (
          narrowed ? <Message testId="no-match" title={t("traps.noMatch")} /> : (
            <Message testId="empty" title={t("traps.none")} hint={statistics?.listening ? t("traps.noneHint", { port: statistics.port }) : t("traps.noneOff")}
              action={statistics?.listening ? <Box component="pre" sx={{ ...preStyle, display: "inline-block", textAlign: "left" }}>{`snmptrap -v2c -c public ${window.location.hostname}:${statistics.port} '' 1.3.6.1.6.3.1.1.5.1`}</Box> : undefined} />
          )
        ) : (
          <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,3fr) minmax(0,2fr)" } }}>
            <Box>
              <PlainTable label={t("traps.title")} testId="traps" head={[t("traps.received"), t("traps.source"), t("traps.severity"), t("traps.name"), t("traps.message")]}
                rows={data.results.map((trap) => ({
                  key: trap.id, selected: trap.id === chosen, onClick: () => put({ trap: trap.id, page: asked.page > 1 ? String(asked.page) : "" }),
                  cells: [<span key="r" title={relativeTime(trap.received)}>{exactTime(trap.received)}</span>, trap.source, SEVERITY[trap.severity] ? <SeverityMark key="s" severity={trap.severity} name={SEVERITY[trap.severity] ?? ""} /> : "",
                    <Button key="b" size="small" sx={{ p: 0, minWidth: 0, textTransform: "none" }}>{trap.name || trap.trap_oid}</Button>, trap.message || Object.entries(trap.variables).map(([name, value]) => `${name}=${value}`).join(" ")],
                }))} />
              {data.total_pages > 1 && (
                <Box sx={{ display: "flex", gap: 1, mt: 1 }}>
                  <Button disabled={asked.page <= 1} onClick={() => put({ page: String(asked.page - 1) })}>{t("traps.newer")}</Button>
                  <Button disabled={asked.page >= data.total_pages} onClick={() => put({ page: String(asked.page + 1) })}>{t("traps.more")}</Button>
                </Box>
              )}
            </Box>
            {chosen ? <Detail key={chosen} id={chosen} /> : <Typography color="text.secondary" sx={{ p: 2 }}>{t("traps.pick")}</Typography>}
          </Box>
        )}
        {statistics && <Strangers statistics={statistics} />}
      </Box>
    </Page>
  );
}
