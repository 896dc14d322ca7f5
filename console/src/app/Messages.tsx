import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import CircularProgress from "@mui/material/CircularProgress";
import Typography from "@mui/material/Typography";
import { type ReactNode } from "react";
import { Link, useRouteError } from "react-router-dom";
import { messageOf } from "../api/http";
import { t } from "../i18n";

export function Message({ title, hint, action, testId }: { title: string; hint?: string; action?: ReactNode; testId?: string }) {
  return (
    <Box data-testid={testId} sx={{ textAlign: "center", py: 7, px: 2 }}>
      <Typography variant="h2" component="h2" gutterBottom>{title}</Typography>
      {hint && <Typography color="text.secondary" sx={{ mb: 2 }}>{hint}</Typography>}
      {action}
    </Box>
  );
}

export function Waiting() {
  return (
    <Box role="status" aria-label={t("common.loading")} sx={{ display: "grid", placeItems: "center", minHeight: 240 }}>
      <CircularProgress size={28} />
    </Box>
  );
}

const homeButton = () => <Button component={Link} to="/" variant="outlined">{t("common.home")}</Button>;

export function NotFound() {
  return <Message testId="not-found" title={t("common.notFound")} hint={t("common.notFoundHint")} action={homeButton()} />;
}

export function Forbidden({ name }: { name: string }) {
  return <Message testId="forbidden" title={t("common.noAccess")} hint={t("common.noAccessHint", { name })} action={homeButton()} />;
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Message
      testId="failure"
      title={messageOf(error)}
      action={onRetry && <Button variant="outlined" onClick={onRetry}>{t("common.retry")}</Button>}
    />
  );
}

export function ErrorPage() {
  const error = useRouteError();
  return (
    <Box component="main">
      <Message
        testId="crash"
        title={t("common.failed")}
        hint={t("common.failedHint")}
        action={<Button variant="contained" onClick={() => window.location.reload()}>{t("common.reload")}</Button>}
      />
      <Typography variant="body2" color="text.secondary" sx={{ textAlign: "center" }}>{messageOf(error)}</Typography>
    </Box>
  );
}
