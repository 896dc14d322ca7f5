import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { useNavigate } from "react-router-dom";
import { messageOf } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities, allows } from "../api/permissions";
import { Forbidden } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { RecordForm, type Submission } from "../resources/RecordForm";
import { startRun } from "./api";
import { DiscoveryForm } from "./DiscoveryForm";

export default function NewDiscovery() {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const provider = useDataProvider();
  const client = useQueryClient();
  const navigate = useNavigate();
  const notify = useNotify();
  const title = t("resources.create", { name: inSentence(meta.label) });
  useTitle(title);
  if (!abilities(meta).create) return <Forbidden name={meta.plural} />;
  const create = async ({ payload, other }: Submission) => {
    const { data } = await provider.create(meta.name, { data: payload });
    const id = String(data.id);
    void client.invalidateQueries({ queryKey: [meta.name] });
    notify(t("discovery.created"), { type: "success" });
    if (other) {
      try {
        await startRun(meta.path, id);
      } catch (error) {
        // It is created all the same: its page says so, and it can be run from there.
        notify(messageOf(error), { type: "error", autoHideDuration: 8000 });
      }
    }
    // The form is still dirty for an instant: leaving at once would ask whether to leave.
    setTimeout(() => navigate(`/${meta.name}/${encodeURIComponent(id)}`));
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 960 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{title}</Typography>
      <RecordForm meta={meta} layout={DiscoveryForm} submitLabel={t("common.create")} otherLabel={allows(meta, "execute") ? t("discovery.createAndRun") : undefined} onSubmit={create} onCancel={() => navigate(`/${meta.name}`)} />
    </Box>
  );
}
