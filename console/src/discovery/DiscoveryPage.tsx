import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { useSearchParams } from "react-router-dom";
import { abilities, allows } from "../api/permissions";
import { useTask } from "../common/blocks";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import { isOver } from "../imports/mapping";
import { CommonTabs, RecordHead, RecordTabs, tabOf, useRecordOfPage } from "../resources/RecordHead";
import { EditTab } from "../resources/RecordPage";
import { startRun, useRuns } from "./api";
import { DiscoveryForm } from "./DiscoveryForm";
import { Runs } from "./Runs";
import { Settings } from "./Settings";
import { scheduleWords } from "./words";

export default function DiscoveryPage() {
  const { meta, id, record, title, refetch, instead } = useRecordOfPage();
  const [params, setParams] = useSearchParams();
  const client = useQueryClient();
  const notify = useNotify();
  const { busy, run: attempt } = useTask();
  const { data: runs } = useRuns(meta.path, id);
  if (!record) return instead;

  const may = abilities(meta);
  const tab = tabOf(meta, ["runs", "details"], params.get("tab"));
  const open = (name: string) => setParams(name === "runs" ? {} : { tab: name }, { replace: true });
  const begin = (dryRun?: boolean) => attempt(async () => {
    await startRun(meta.path, id, dryRun);
    notify(t("discovery.started"), { type: "success" });
    // The newest run is the one shown.
    open("runs");
    await client.invalidateQueries({ queryKey: ["discovery-runs", id] });
    void refetch();
  });
  const running = runs?.results.some((run) => !isOver(run.state)) ?? false;
  const next = typeof record.next_run === "string" ? record.next_run : "";
  const actions = (
    <>
      {may.edit && tab !== "details" && <Button variant="outlined" onClick={() => open("details")}>{t("common.edit")}</Button>}
      {allows(meta, "execute") && !record.dry_run && <Button variant="outlined" disabled={busy || running} title={t(running ? "discovery.running" : "discovery.tryOutHint")} onClick={() => void begin(true)}>{t("discovery.tryOut")}</Button>}
      {allows(meta, "execute") && <Button variant="contained" disabled={busy || running} title={running ? t("discovery.running") : undefined} onClick={() => void begin()}>{t("discovery.runNow")}</Button>}
    </>
  );
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <RecordHead meta={meta} record={record} title={title} actions={actions}
        mark={<Chip size="small" variant="outlined" color={record.is_enabled ? "success" : "default"} label={t(record.is_enabled ? "discovery.enabled" : "discovery.disabled")} />} />
      <Typography color="text.secondary" data-testid="schedule-words">
        {[scheduleWords(record.schedule), next && t("discovery.nextRun", { at: dateTime(next) }), record.dry_run && t("discovery.dryRun")].filter(Boolean).join(" · ")}
      </Typography>
      <RecordTabs meta={meta} own={[["runs", t("discovery.runs")], ["details", t("discovery.settings")]]} value={tab} onChange={open} />
      {tab === "runs" && <Runs meta={meta} id={id} last={record.last_scan_result} chosen={params.get("run")} onChoose={(run) => setParams({ run }, { replace: true })} />}
      {/* The form stays mounted behind the other tabs, so that looking at a run loses nothing typed. */}
      <Box hidden={tab !== "details"} sx={{ maxWidth: 960 }}>{may.edit ? <EditTab key={String(record.id)} meta={meta} record={record} layout={DiscoveryForm} /> : <Settings meta={meta} record={record} />}</Box>
      <CommonTabs meta={meta} id={id} tab={tab} />
    </Box>
  );
}
