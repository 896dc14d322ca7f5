import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useNavigate, useSearchParams } from "react-router-dom";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { Forbidden } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { begunWith } from "./form";
import { RecordForm, type Submission } from "./RecordForm";

export default function CreatePage() {
  const known = useResourceMeta(useResourceContext() ?? "");
  const [params] = useSearchParams();
  const given = params.get("with");
  const meta = useMemo(() => begunWith(known, given), [known, given]);
  const provider = useDataProvider();
  const client = useQueryClient();
  const navigate = useNavigate();
  const notify = useNotify();
  const title = t("resources.create", { name: inSentence(meta.label) });
  useTitle(title);
  if (!abilities(meta).create) return <Forbidden name={meta.plural} />;
  const create = async ({ payload }: Submission) => {
    const { data } = await provider.create(meta.name, { data: payload });
    void client.invalidateQueries({ queryKey: [meta.name] });
    notify(t("resources.created", { name: meta.label }), { type: "success" });
    // The form is still dirty for an instant: leaving at once would ask whether to leave.
    setTimeout(() => navigate(data.id === undefined ? `/${meta.name}` : `/${meta.name}/${encodeURIComponent(String(data.id))}`));
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 900 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{title}</Typography>
      <RecordForm meta={meta} submitLabel={t("common.create")} onSubmit={create} onCancel={() => navigate(`/${meta.name}`)} />
    </Box>
  );
}
