import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { Link, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { ApiError } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities, allows } from "../api/permissions";
import { titleOf } from "../api/records";
import { useSession } from "../api/session";
import { Failure, Forbidden, NotFound, Waiting } from "../app/Messages";
import { useTask } from "../common/blocks";
import { ConfirmDialog } from "../common/dialogs";
import { dateTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { isOver } from "../imports/mapping";
import { Attachments } from "../resources/Attachments";
import { Comments } from "../resources/Comments";
import { History } from "../resources/History";
import { EditTab, useRecord } from "../resources/RecordPage";
import { startRun, useRuns } from "./api";
import { DiscoveryForm } from "./DiscoveryForm";
import { Runs } from "./Runs";
import { Settings } from "./Settings";
import { scheduleWords } from "./words";

type TabName = "runs" | "details" | "comments" | "attachments" | "history";

export default function DiscoveryPage() {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { data: record, error, refetch } = useRecord(meta.name, id);
  const { user } = useSession();
  const navigate = useNavigate();
  const provider = useDataProvider();
  const client = useQueryClient();
  const notify = useNotify();
  const { busy, run: attempt } = useTask();
  const { data: runs } = useRuns(meta.path, id);
  const [deleting, setDeleting] = useState(false);
  const title = record ? titleOf(record, meta) : "";
  useTitle(title || meta.label);
  useEffect(() => {
    if (record) rememberRecent(user.profile_id, { resource: meta.name, id, title });
  }, [record, meta.name, id, title, user.profile_id]);

  if (error instanceof ApiError && error.status === 403) return <Forbidden name={meta.label} />;
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error && !record) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!record) return <Waiting />;

  const may = abilities(meta);
  const tabs: TabName[] = ["runs", "details", ...(["comments", "attachments", "history"] as const).filter((verb) => meta.verbs[verb] !== undefined)];
  const label = (name: TabName) => (name === "runs" ? t("discovery.runs") : name === "details" ? t("discovery.settings") : t(`resources.${name}`));
  const tab = tabs.find((name) => name === params.get("tab")) ?? "runs";
  const open = (name: TabName) => setParams(name === "runs" ? {} : { tab: name }, { replace: true });
  const begin = (dryRun?: boolean) => attempt(async () => {
    await startRun(meta.path, id, dryRun);
    notify(t("discovery.started"), { type: "success" });
    // The newest run is the one shown.
    open("runs");
    await client.invalidateQueries({ queryKey: ["discovery-runs", id] });
    void refetch();
  });
  const remove = async () => {
    await attempt(async () => {
      await provider.delete(meta.name, { id: record.id });
      void client.invalidateQueries({ queryKey: [meta.name, "getList"] });
      notify(t("common.deleted"), { type: "success" });
      navigate(`/${meta.name}`);
    });
    setDeleting(false);
  };
  const running = runs?.results.some((run) => !isOver(run.state)) ?? false;
  const next = typeof record.next_run === "string" ? record.next_run : "";
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to={`/${meta.name}`}>{meta.plural}</Link></Breadcrumbs>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography variant="h1" sx={{ overflowWrap: "anywhere" }}>{title}</Typography>
        <Chip size="small" variant="outlined" color={record.is_enabled ? "success" : "default"} label={t(record.is_enabled ? "discovery.enabled" : "discovery.disabled")} />
        <Box sx={{ flex: 1 }} />
        {may.remove && <Button color="error" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
        {may.edit && tab !== "details" && <Button variant="outlined" onClick={() => open("details")}>{t("common.edit")}</Button>}
        {allows(meta, "execute") && !record.dry_run && <Button variant="outlined" disabled={busy || running} title={t(running ? "discovery.running" : "discovery.tryOutHint")} onClick={() => void begin(true)}>{t("discovery.tryOut")}</Button>}
        {allows(meta, "execute") && <Button variant="contained" disabled={busy || running} title={running ? t("discovery.running") : undefined} onClick={() => void begin()}>{t("discovery.runNow")}</Button>}
      </Box>
      <Typography color="text.secondary" data-testid="schedule-words">
        {[scheduleWords(record.schedule), next && t("discovery.nextRun", { at: dateTime(next) }), record.dry_run && t("discovery.dryRun")].filter(Boolean).join(" · ")}
      </Typography>
      <Tabs value={tab} onChange={(_, name: TabName) => open(name)} sx={{ borderBottom: 1, borderColor: "divider", mb: 2 }} variant="scrollable">
        {tabs.map((name) => <Tab key={name} value={name} label={label(name)} />)}
      </Tabs>
      {tab === "runs" && <Runs meta={meta} id={id} last={record.last_scan_result} chosen={params.get("run")} onChoose={(run) => setParams({ run }, { replace: true })} />}
      {/* The form stays mounted behind the other tabs, so that looking at a run loses nothing typed. */}
      <Box hidden={tab !== "details"} sx={{ maxWidth: 960 }}>{may.edit ? <EditTab key={String(record.id)} meta={meta} record={record} layout={DiscoveryForm} /> : <Settings meta={meta} record={record} />}</Box>
      {tab === "comments" && <Comments meta={meta} id={id} />}
      {tab === "attachments" && <Attachments meta={meta} id={id} />}
      {tab === "history" && <History meta={meta} id={id} />}
      {deleting && <ConfirmDialog title={t("resources.deleteTitle", { name: title })} hint={t("resources.bulkDeleteHint")} action={t("common.delete")} danger onClose={() => setDeleting(false)} onConfirm={remove} />}
    </Box>
  );
}
