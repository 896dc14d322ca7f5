import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../api/http";
import { useLive, useLiveConnected } from "../api/live";
import { useMetadata } from "../api/metadata";
import { tasksMeta } from "../app/pages";
import { isOver, type TaskState } from "./mapping";

const STANDARD_PATH = "/ux/common/async_tasks/";

export function useTaskPath(): string {
  return tasksMeta(useMetadata().byName)?.path ?? STANDARD_PATH;
}

/** A long job, kept up to date by live events, and by asking now and then in case one is missed. */
export function useTask(id: string | null) {
  const path = useTaskPath();
  const client = useQueryClient();
  const connected = useLiveConnected();
  const key = ["task", id];
  const result = useQuery({
    queryKey: key,
    enabled: !!id,
    queryFn: async ({ signal }) => {
      const body = await api<TaskState & { data?: TaskState }>(`${path}${encodeURIComponent(id ?? "")}/`, { signal });
      return body.data ?? body;
    },
    refetchInterval: (query) => (query.state.data && isOver(query.state.data.status) ? false : connected ? 3000 : 1000),
  });
  useLive("task", (task) => {
    if (String(task.id) !== id) return;
    client.setQueryData<TaskState>(key, (before) => (before ? { ...before, status: task.status, done: task.done, total: task.total, failed: task.failed ?? before.failed } : before));
    if (isOver(task.status)) void client.invalidateQueries({ queryKey: key });
  });
  return result;
}
