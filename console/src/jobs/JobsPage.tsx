import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { api, query } from "../api/http";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import type { ListEnvelope } from "../api/types";
import { LIVE } from "../assets/model";
import { Failure, Message, Waiting } from "../app/Messages";
import { Page, PlainTable, useTask } from "../common/blocks";
import { count, dateTime, relativeTime } from "../common/format";
import { useAddress, useTitle } from "../common/hooks";
import { lasted, stateColour, stateName } from "../discovery/words";
import { t } from "../i18n";
import { SearchBox } from "../resources/SearchBox";

const PATH = "/ux/ims/jobs/profile/";
const PER_PAGE = 50;
const KINDS = ["", "discovery", "polling"] as const;
type Action = "run" | "pause" | "resume";

interface Job {
  id: string;
  object_type: "discovery" | "polling";
  name: string;
  status: 0 | 1;
  state: string;
  data: string;
  interval: number | null;
  last_run: string | null;
  next_run: string | null;
  seconds: number | null;
  error: string;
}

function State({ job }: { job: Job }) {
  if (job.status === 0) return <Chip size="small" label={t("jobs.paused")} color="warning" variant="outlined" />;
  if (job.object_type === "discovery") return job.state ? <Chip size="small" variant="outlined" label={stateName(job.state)} color={stateColour(job.state)} /> : "";
  const live = LIVE[job.state];
  return <Chip size="small" variant="outlined" label={t(`assets.live.${live ? live.label : "waiting"}`)} color={live?.color ?? "default"} />;
}

/** Every discovery and every polled device: how its last run went, when the next one is, and what can be done now. */
export default function JobsPage() {
  useTitle(t("jobs.title"));
  const { user } = useSession();
  const notify = useNotify();
  const { busy, run } = useTask();
  const [params, putAll] = useAddress(true);
  const search = params.get("q") ?? "";
  const kind = KINDS.find((one) => one === params.get("kind")) ?? "";
  const paused = params.get("paused") === "true";
  const page = Number(params.get("page") ?? 1) || 1;
  const put = (change: Record<string, string>) => putAll({ page: "", ...change });
  const asked = { search, object_type: kind, status: paused ? 0 : undefined, page, items_per_page: PER_PAGE };
  const { data, error, refetch } = useQuery({
    queryKey: ["jobs", asked], placeholderData: keepPreviousData, refetchInterval: 10_000, retry: false,
    queryFn: ({ signal }) => api<ListEnvelope<Job>>(`${PATH}${query(asked)}`, { signal }),
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const act = (job: Job, action: Action) => run(async () => {
    await (action === "run"
      ? api(PATH, { method: "POST", body: { object_type: job.object_type, object_id: job.id, action } })
      : api(`${PATH}${encodeURIComponent(job.id)}/`, { method: "PUT", body: { action } }));
    notify(t(`jobs.done.${action}`, { name: job.name }), { type: "success" });
    await refetch();
  });
  const button = (job: Job, action: Action) => <Button key={action} size="small" disabled={busy} aria-label={t(`jobs.of.${action}`, { name: job.name })} onClick={() => void act(job, action)}>{t(`jobs.${action}`)}</Button>;
  const narrowed = search !== "" || kind !== "" || paused;
  return (
    <Page title={t("jobs.title")} actions={
      <>
        <SearchBox label={t("jobs.search")} value={search} onChange={(q) => put({ q })} />
        <ToggleButtonGroup size="small" exclusive value={kind} aria-label={t("jobs.kind")} onChange={(_event, value: string | null) => value !== null && put({ kind: value })} sx={{ height: 33, "& button": { textTransform: "none", px: 1.25 } }}>
          {KINDS.map((one) => <ToggleButton key={one} value={one}>{t(`jobs.kinds.${one || "all"}`)}</ToggleButton>)}
        </ToggleButtonGroup>
        <ToggleButton size="small" value="paused" selected={paused} onChange={() => put({ paused: paused ? "" : "true" })} sx={{ height: 33, textTransform: "none", px: 1.25 }}>{t("jobs.paused")}</ToggleButton>
      </>
    }>
      {data.results.length === 0 ? <Message testId={narrowed ? "no-match" : "empty"} title={t(narrowed ? "jobs.noMatch" : "jobs.none")} hint={narrowed ? undefined : t("jobs.noneHint")} action={narrowed ? undefined : <Button component={Link} to="/discovery" variant="outlined">{t("jobs.discoveries")}</Button>} /> : (
        <PlainTable label={t("jobs.title")} testId="jobs"
          head={[t("jobs.name"), t("jobs.kind"), t("jobs.state"), t("jobs.last"), t("jobs.next"), `#${t("jobs.took")}`, `#${t("jobs.every")}`, t("jobs.error"), ""]}
          rows={data.results.map((job) => ({ key: job.id, cells: [
            <Box key="name"><Link to={`/${job.object_type === "discovery" ? "discovery" : "ci"}/${encodeURIComponent(job.id)}`}>{job.name}</Link> <Typography component="span" variant="body2" color="text.secondary">{job.data}</Typography></Box>,
            t(`jobs.kinds.${job.object_type}`), <State key="state" job={job} />,
            job.last_run ? <span key="last" title={dateTime(job.last_run)}>{relativeTime(job.last_run)}</span> : "",
            job.next_run ? dateTime(job.next_run) : "", lasted(job.seconds), job.interval === null ? "" : `${count(job.interval)} s`, job.error,
            <Box key="actions" sx={{ display: "flex", justifyContent: "flex-end", whiteSpace: "nowrap" }}>
              {userMay(user, "jobs", "execute") && job.status === 1 && button(job, "run")}
              {userMay(user, "jobs", "edit") && button(job, job.status === 1 ? "pause" : "resume")}
            </Box>,
          ] }))} />
      )}
      {data.count > PER_PAGE && (
        <Box sx={{ display: "flex", gap: 1, mt: 1, alignItems: "center" }}>
          <Typography variant="body2" color="text.secondary">{t("resources.range", { from: count((page - 1) * PER_PAGE + 1), to: count(Math.min(page * PER_PAGE, data.count)), total: count(data.count) })}</Typography>
          <Button disabled={page <= 1} onClick={() => put({ page: String(page - 1) })}>{t("resources.previousPage")}</Button>
          <Button disabled={page * PER_PAGE >= data.count} onClick={() => put({ page: String(page + 1) })}>{t("resources.nextPage")}</Button>
        </Box>
      )}
    </Page>
  );
}
