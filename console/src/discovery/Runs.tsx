import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import Link from "@mui/material/Link";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import { useLive } from "../api/live";
import { useMetadata } from "../api/metadata";
import { allows } from "../api/permissions";
import type { ResourceMeta } from "../api/types";
import { Failure, Waiting } from "../app/Messages";
import { tasksMeta } from "../app/pages";
import { PlainTable, Section } from "../common/blocks";
import { count, dateTime } from "../common/format";
import { t } from "../i18n";
import { isOver, percent } from "../imports/mapping";
import { TaskActions } from "../imports/TaskProgress";
import { useRun, useRuns, type Run } from "./api";
import { Findings } from "./Findings";
import { summary } from "./model";
import { lasted, stateColour, stateName } from "./words";

function Figure({ name, value, color }: { name: string; value: number; color?: string }) {
  return (
    <Box sx={{ minWidth: 96 }}>
      <Box sx={{ fontSize: 22, fontWeight: 600, fontVariantNumeric: "tabular-nums", color: value > 0 ? color : undefined }}>{count(value)}</Box>
      <Box sx={{ color: "text.secondary", fontSize: 12 }}>{name}</Box>
    </Box>
  );
}

function State({ run }: { run: Run }) {
  return (
    <Box component="span" sx={{ display: "inline-flex", gap: 0.5, flexWrap: "wrap" }}>
      <Chip size="small" variant="outlined" color={stateColour(run.state)} label={stateName(run.state)} data-testid="run-state" />
      {run.dry_run && <Chip size="small" variant="outlined" label={t("discovery.dryRun")} />}
    </Box>
  );
}

/** One run: how far it is, what it came to, and each address. */
function RunView({ meta, id, run, children }: { meta: ResourceMeta; id: string; run: string; children: ReactNode }) {
  const client = useQueryClient();
  const tasks = tasksMeta(useMetadata().byName);
  const { data, error, refetch } = useRun(meta.path, id, run);
  const shown = data?.iteration;
  const over = !!shown && isOver(shown.state);
  useLive("task", (task) => { if (String(task.id) === run) void refetch(); });
  // What a run has come to is read once more when it ends: its last addresses, the list of runs, the next run.
  useEffect(() => {
    if (!over) return;
    void client.invalidateQueries({ queryKey: ["discovery-findings", id] });
    void client.invalidateQueries({ queryKey: ["discovery-runs", id] });
    void client.invalidateQueries({ queryKey: [meta.name, "getOne", { id }] });
  }, [over, client, id, meta.name]);
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data || !shown) return <Waiting />;
  const sums = summary(data.results);
  const again = () => {
    for (const name of ["discovery-findings", "discovery-runs", "discovery-run"]) void client.invalidateQueries({ queryKey: [name, id] });
  };
  return (
    <>
      <Section title={t("discovery.run", { at: dateTime(shown.started_at) })} testId="run" actions={<State run={shown} />}>
        {!over && (
          <Box sx={{ display: "grid", gap: 1, mb: 1.5 }}>
            <LinearProgress variant={shown.state === "queued" || !shown.total ? "indeterminate" : "determinate"} value={percent({ done: shown.done, total: shown.total, status: shown.state })} aria-label={t("discovery.runs")} sx={{ height: 8, borderRadius: 4 }} />
            <Box sx={{ display: "flex", alignItems: "center", gap: 2 }}>
              <Box role="status" sx={{ fontVariantNumeric: "tabular-nums" }}>{t("discovery.progress", { done: count(shown.done), total: count(shown.total) })}</Box>
              {tasks && allows(tasks, "execute") && <TaskActions task={{ id: run, status: shown.state }} />}
            </Box>
          </Box>
        )}
        {shown.error && <Alert severity="error" sx={{ mb: 1.5 }}>{shown.error}</Alert>}
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2 }} data-testid="figures">
          <Figure name={t("discovery.addresses")} value={shown.total} />
          <Figure name={t("discovery.found")} value={sums.found} />
          <Figure name={t("discovery.added")} value={sums.added} color="success.main" />
          <Figure name={t("discovery.updated")} value={sums.updated} color="info.main" />
          <Figure name={t("discovery.notAdded")} value={sums.notAdded} />
          <Figure name={t("discovery.failed")} value={sums.failed} color="error.main" />
        </Box>
      </Section>
      {children}
      <Findings key={run} meta={meta} id={id} run={run} live={!over} results={data.results} onApproved={again} />
    </>
  );
}

/** A run that the schedule could not begin is no run: it is told by the last result alone. */
function NotBegun({ last, runs }: { last: unknown; runs: Run[] }) {
  const { error, finished_at: at } = (last ?? {}) as { error?: unknown; finished_at?: unknown };
  if (typeof error !== "string" || error === "" || typeof at !== "string") return null;
  const moment = Date.parse(at);
  if (runs.some((run) => Date.parse(run.started_at) > moment || (run.finished_at !== null && Date.parse(run.finished_at) === moment))) return null;
  return <Alert severity="error">{t("discovery.notBegun", { at: dateTime(at), error })}</Alert>;
}

/** The runs of a discovery, and one of them. */
export function Runs({ meta, id, last, chosen, onChoose }: { meta: ResourceMeta; id: string; last: unknown; chosen: string | null; onChoose: (run: string) => void }) {
  const { data, error, refetch } = useRuns(meta.path, id);
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const runs = data.results;
  const current = runs.find((run) => run.id === chosen) ?? runs[0];
  const problem = <NotBegun last={last} runs={runs} />;
  if (!current) return <>{problem}<Typography color="text.secondary" data-testid="no-runs">{t("discovery.noRuns")}</Typography></>;
  return (
    <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
      {problem}
      <RunView key={current.id} meta={meta} id={id} run={current.id}>
        <Section title={t("discovery.runs")} testId="runs">
          <Box sx={{ maxHeight: 210, overflowY: "auto" }}>
            <PlainTable label={t("discovery.runs")} head={[t("discovery.begun"), t("discovery.state"), t("discovery.by"), `#${t("discovery.took")}`, `#${t("discovery.addresses")}`, `#${t("discovery.found")}`, `#${t("discovery.added")}`, `#${t("discovery.updated")}`, `#${t("discovery.notAdded")}`, `#${t("discovery.failed")}`]}
              rows={runs.map((run) => {
                const sums = summary(run.counts);
                // One that was cancelled was not counted.
                const figures = run.finished_at ? [sums.found, sums.added, sums.updated, sums.notAdded, sums.failed].map(count) : ["", "", "", "", ""];
                const begun = dateTime(run.started_at);
                return {
                  key: run.id, selected: run.id === current.id, onClick: () => onChoose(run.id),
                  // A button, so that the keyboard reaches it, too.
                  cells: [<Link key="begun" component="button" type="button" sx={{ whiteSpace: "nowrap" }} onClick={(event) => { event.stopPropagation(); onChoose(run.id); }}>{begun}</Link>, <State key="state" run={run} />, run.trigger === "schedule" ? t("discovery.bySchedule") : run.started_by, lasted(run.seconds), count(run.total), ...figures],
                };
              })} />
          </Box>
        </Section>
      </RunView>
    </Box>
  );
}
