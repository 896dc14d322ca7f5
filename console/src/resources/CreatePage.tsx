import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useNavigate, useSearchParams } from "react-router-dom";
import { messageOf } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import type { ResourceMeta } from "../api/types";
import { Forbidden } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t } from "../i18n";
import { begunWith } from "./form";
import { RecordForm, type FormLayout, type Submission } from "./RecordForm";

/** What else the form can do once the record is there: a second button, and what it begins. */
export interface AndThen {
  label: string;
  begin: (meta: ResourceMeta, id: string) => Promise<unknown>;
}

/** The page on which a record of any resource is created; some have a form of their own. */
export default function CreatePage({ layout, created, andThen }: { layout?: FormLayout; created?: string; andThen?: (meta: ResourceMeta) => AndThen | undefined }) {
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
  const next = andThen?.(meta);
  const create = async ({ payload, other }: Submission) => {
    const { data } = await provider.create(meta.name, { data: payload });
    void client.invalidateQueries({ queryKey: [meta.name] });
    notify(created ?? t("resources.created", { name: meta.label }), { type: "success" });
    if (other && next && data.id !== undefined) {
      try {
        await next.begin(meta, String(data.id));
      } catch (error) {
        // It is created all the same: its page says so, and what was to begin can be begun from there.
        notify(messageOf(error), { type: "error", autoHideDuration: 8000 });
      }
    }
    // The form is still dirty for an instant: leaving at once would ask whether to leave.
    setTimeout(() => navigate(data.id === undefined ? `/${meta.name}` : `/${meta.name}/${encodeURIComponent(String(data.id))}`));
  };
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: layout ? 960 : 900 }}>
      <Typography variant="h1" sx={{ mb: 2 }}>{title}</Typography>
      <RecordForm meta={meta} layout={layout} submitLabel={t("common.create")} otherLabel={next?.label} onSubmit={create} onCancel={() => navigate(`/${meta.name}`)} />
    </Box>
  );
}
