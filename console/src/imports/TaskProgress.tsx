import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { api, messageOf } from "../api/http";
import { count } from "../common/format";
import { t } from "../i18n";
import { ErrorTable } from "./ErrorTable";
import { isOver, percent, type TaskState } from "./mapping";
import { useTaskPath } from "./useTask";

type Action = "pause" | "resume" | "cancel";

/** Pausing, going on and cancelling. */
export function TaskActions({ task }: { task: Pick<TaskState, "id" | "status"> }) {
  const path = useTaskPath();
  const client = useQueryClient();
  const notify = useNotify();
  const { mutate, isPending } = useMutation({
    mutationFn: (action: Action) => api(`${path}${encodeURIComponent(task.id)}/${action}/`, { method: "POST" }),
    onError: (error) => notify(messageOf(error), { type: "error" }),
    onSettled: () => client.invalidateQueries({ queryKey: ["task", task.id] }),
  });
  if (isOver(task.status)) return null;
  return (
    <Box sx={{ display: "flex", gap: 1 }}>
      {task.status === "paused"
        ? <Button variant="outlined" disabled={isPending} onClick={() => mutate("resume")}>{t("imports.resume")}</Button>
        : <Button variant="outlined" disabled={isPending} onClick={() => mutate("pause")}>{t("imports.pause")}</Button>}
      <Button color="error" disabled={isPending} onClick={() => mutate("cancel")}>{t("imports.cancelJob")}</Button>
    </Box>
  );
}

export function TaskProgress({ task }: { task: TaskState }) {
  const over = isOver(task.status);
  const value = percent(task);
  const facts = [
    task.created !== undefined && task.created !== null && t("imports.created", { n: count(task.created) }),
    !!task.updated && t("imports.updated", { n: count(task.updated) }),
    !!task.failed && t("imports.failed", { n: count(task.failed) }),
  ].filter(Boolean);
  return (
    <Box sx={{ display: "grid", gap: 1.5 }} data-testid="task" data-status={task.status}>
      {over
        ? <Alert severity={task.status === "succeeded" ? (task.failed ? "warning" : "success") : "error"}>{task.status === "succeeded" ? t("imports.done") : t("imports.stopped", { status: task.status })}</Alert>
        : <Typography color="text.secondary">{task.status === "queued" ? t("imports.queued") : t("imports.leave")}</Typography>}
      <LinearProgress variant={!over && !task.total ? "indeterminate" : "determinate"} value={value} aria-label={t("imports.job")} color={task.status === "failed" ? "error" : "primary"} sx={{ height: 8, borderRadius: 4 }} />
      <Box role="status" sx={{ fontVariantNumeric: "tabular-nums" }}>
        {t("imports.progress", { done: count(task.done ?? 0), total: count(task.total ?? 0) })}
        {facts.length > 0 && ` · ${facts.join(" · ")}`}
      </Box>
      <TaskActions task={task} />
      {task.errors && task.errors.length > 0 && <ErrorTable errors={task.errors} />}
      {task.errors_file && <Button component="a" href={task.errors_file} download variant="outlined" sx={{ justifySelf: "start" }}>{t("imports.errorsFile")}</Button>}
    </Box>
  );
}
