import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useResourceContext } from "react-admin";
import { Link, useNavigate } from "react-router-dom";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { Forbidden } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { RecordForm, type Submission } from "./RecordForm";

export type Made = Record<string, unknown> & { id: string; name: string };

/** Adds a record whose answer holds what is shown this once, and stays to show it; the record is opened where there is nothing. */
export function CreateShowing({ show }: { show: (made: Made, open: ReactNode) => ReactNode }) {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const client = useQueryClient();
  const navigate = useNavigate();
  const [shown, setShown] = useState<ReactNode>();
  const title = t("resources.create", { name: inSentence(meta.label) });
  useTitle(title);
  if (!abilities(meta).create) return <Forbidden name={meta.plural} />;
  const create = async ({ payload }: Submission) => {
    // Without an Idempotency-Key: under one the answer, and with it the secret, would be kept for a day.
    const { data } = await api<{ data: Made }>(meta.path, { method: "POST", body: payload });
    void client.invalidateQueries({ queryKey: [meta.name] });
    const to = `/${meta.name}/${encodeURIComponent(data.id)}`;
    const once = show(data, <Button component={Link} to={to}>{t("resources.toRecord", { name: inSentence(meta.label) })}</Button>);
    if (once) setShown(once);
    // The form is still dirty for an instant: leaving at once would ask whether to leave.
    else setTimeout(() => navigate(to));
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 900 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{title}</Typography>
      {shown ?? <RecordForm meta={meta} submitLabel={t("common.create")} onSubmit={create} onCancel={() => navigate(`/${meta.name}`)} />}
    </Box>
  );
}
