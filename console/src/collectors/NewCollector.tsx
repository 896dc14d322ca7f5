import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useResourceContext } from "react-admin";
import { Link, useNavigate } from "react-router-dom";
import { api } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { Forbidden } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { RecordForm, type Submission } from "../resources/RecordForm";
import { Token } from "./Token";

/** Adds a collector, and stays to show its token. */
export default function NewCollector() {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const client = useQueryClient();
  const navigate = useNavigate();
  const [made, setMade] = useState<{ id: string; name: string; command: string }>();
  const title = t("resources.create", { name: inSentence(meta.label) });
  useTitle(title);
  if (!abilities(meta).create) return <Forbidden name={meta.plural} />;
  const create = async ({ payload }: Submission) => {
    // Without an Idempotency-Key: under one the answer, and with it the token, would be kept for a day.
    const { data } = await api<{ data: { id: string; name: string; command: string } }>(meta.path, { method: "POST", body: payload });
    void client.invalidateQueries({ queryKey: [meta.name] });
    setMade(data);
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 900 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{title}</Typography>
      {made
        ? <Token title={t("collectors.created", { name: made.name })} command={made.command}><Button component={Link} to={`/${meta.name}/${encodeURIComponent(made.id)}`}>{t("collectors.open")}</Button></Token>
        : <RecordForm meta={meta} submitLabel={t("common.create")} onSubmit={create} onCancel={() => navigate(`/${meta.name}`)} />}
    </Box>
  );
}
