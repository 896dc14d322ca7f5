import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Typography from "@mui/material/Typography";
import { useResourceContext } from "react-admin";
import { Link, useParams } from "react-router-dom";
import { ApiError } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { Failure, NotFound, Waiting } from "../app/Messages";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { Details } from "../resources/Details";
import type { Row } from "../api/types";
import { TaskProgress } from "./TaskProgress";
import { useTask } from "./useTask";

export default function TaskPage() {
  const { id = "" } = useParams();
  const meta = useResourceMeta(useResourceContext() ?? "");
  const { data, error, refetch } = useTask(id);
  useTitle(data?.task_name ?? t("imports.job"));
  if (error instanceof ApiError && error.status === 404) return <NotFound />;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 900, display: "grid", gap: 2 }}>
      <Box>
        <Breadcrumbs sx={{ fontSize: 12 }}><Link to={`/${meta.name}`}>{meta.plural}</Link></Breadcrumbs>
        <Typography variant="h1">{data.task_name ?? t("imports.job")}</Typography>
      </Box>
      <TaskProgress task={data} />
      <Details meta={meta} record={data as unknown as Row} />
    </Box>
  );
}
