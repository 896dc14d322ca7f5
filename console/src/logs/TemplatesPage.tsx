import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import Chip from "@mui/material/Chip";
import FormControlLabel from "@mui/material/FormControlLabel";
import MenuItem from "@mui/material/MenuItem";
import Select from "@mui/material/Select";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "react-router-dom";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Message, Waiting } from "../app/Messages";
import { Page, PlainTable } from "../common/blocks";
import { count, dateTime, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { TimeRange } from "../common/TimeRange";
import { t } from "../i18n";
import { SearchBox } from "../resources/SearchBox";
import { newRule, readTemplates, TEMPLATE_SORTS, type Template, type TemplateSort } from "./api";

const linesOf = (template: Template, from: string, to: string) => `/logs/search?${new URLSearchParams({ q: template.query, from, ...(to ? { to } : {}) })}`;

/** Kinds of lines: what comes how often, since when, and what never came before. */
export default function TemplatesPage() {
  useTitle(t("logs.templates"));
  const { user } = useSession();
  const [params, setParams] = useSearchParams();
  const asked = {
    from: params.get("from") ?? "now-1d", to: params.get("to") ?? "", search: params.get("q") ?? "", fresh: params.get("new") === "1",
    sort: TEMPLATE_SORTS.find((sort) => sort === params.get("sort")) ?? ("count" as TemplateSort),
  };
  const put = (change: Record<string, string>) => setParams((before) => {
    const next = new URLSearchParams(before);
    for (const [name, value] of Object.entries(change)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    return next;
  }, { replace: true });
  const { data, error, refetch } = useQuery({ queryKey: ["log-templates", asked], queryFn: ({ signal }) => readTemplates(asked, signal), placeholderData: keepPreviousData, refetchInterval: 30_000, retry: false });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const mayRule = userMay(user, "log_rule", "add");
  return (
    <Page title={t("logs.templates")} actions={
      <>
        <SearchBox label={t("logs.templateSearch")} value={asked.search} onChange={(q) => put({ q })} />
        <Select value={asked.sort} onChange={(event) => put({ sort: event.target.value === "count" ? "" : event.target.value })} inputProps={{ "aria-label": t("logs.templateSort") }}>
          {TEMPLATE_SORTS.map((sort) => <MenuItem key={sort} value={sort}>{t(`logs.templateSorts.${sort}`)}</MenuItem>)}
        </Select>
        <FormControlLabel control={<Checkbox checked={asked.fresh} onChange={(event) => put({ new: event.target.checked ? "1" : "" })} />} label={t("logs.templateNew")} />
        <TimeRange value={asked} onChange={({ from, to }) => put({ from, to })} />
      </>
    }>
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("logs.templateHint", { total: count(data.total) })}</Typography>
      {data.results.length === 0 ? <Message testId="no-templates" title={t("logs.noTemplates")} hint={t("logs.emptyHint")} /> : (
        <PlainTable label={t("logs.templates")} testId="log-templates" head={[`#${t("logs.templateCount")}`, `#${t("logs.templateShare")}`, t("logs.app"), t("logs.template"), t("logs.firstSeen"), t("logs.lastSeen"), ""]}
          rows={data.results.map((item) => ({
            key: item.id,
            cells: [
              <Link key="n" to={linesOf(item, asked.from, asked.to)}>{count(item.count)}</Link>, `${(item.share * 100).toFixed(1)} %`, item.app,
              <Box key="t" title={item.example}><Box component="code" sx={{ fontSize: 12, overflowWrap: "anywhere" }}>{item.template}</Box>{item.new && <Chip size="small" color="warning" variant="outlined" label={t("logs.templateFresh")} sx={{ ml: 1 }} />}</Box>,
              <span key="f" title={dateTime(item.first_seen)}>{relativeTime(item.first_seen)}</span>, <span key="l" title={dateTime(item.last_seen)}>{relativeTime(item.last_seen)}</span>,
              mayRule ? <Link key="r" to={newRule(item.template.slice(0, 60), item.query)}>{t("logs.makeRule")}</Link> : "",
            ],
          }))} />
      )}
    </Page>
  );
}
