import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, type ReactNode } from "react";
import { useDataProvider, useNotify, useResourceContext } from "react-admin";
import { Link, useNavigate, useParams } from "react-router-dom";
import { ApiError, messageOf } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { abilities } from "../api/permissions";
import { recordKey, titleOf } from "../api/records";
import { useSession } from "../api/session";
import type { ResourceMeta, Row } from "../api/types";
import { Failure, Forbidden, NotFound, Waiting } from "../app/Messages";
import { ConfirmDialog } from "../common/dialogs";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { Attachments } from "./Attachments";
import { Comments } from "./Comments";
import { History } from "./History";

export function useRecord(resource: string, id: string) {
  const provider = useDataProvider();
  return useQuery({
    queryKey: recordKey(resource, id),
    queryFn: async ({ signal }) => (await provider.getOne<Row>(resource, { id, signal })).data,
  });
}

/** The record that a page is about; `instead` is what to show while there is none. */
export function useRecordOfPage() {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const { id = "" } = useParams();
  const { data: record, error, refetch } = useRecord(meta.name, id);
  const { user } = useSession();
  const title = record ? titleOf(record, meta) : "";
  useTitle(title || meta.label);
  useEffect(() => {
    if (record) rememberRecent(user.profile_id, { resource: meta.name, id, title });
  }, [record, meta.name, id, title, user.profile_id]);
  let instead: ReactNode;
  if (error instanceof ApiError && error.status === 403) instead = <Forbidden name={meta.label} />;
  else if (error instanceof ApiError && error.status === 404) instead = <NotFound />;
  else if (error && !record) instead = <Failure error={error} onRetry={() => void refetch()} />;
  else if (!record) instead = <Waiting />;
  return { meta, id, record, title, refetch, instead };
}

/** Where the record belongs, its name, and what can be done with it; deleting asks first. */
export function RecordHead({ meta, record, title, mark, actions }: { meta: ResourceMeta; record: Row; title: string; mark?: ReactNode; actions?: ReactNode }) {
  const navigate = useNavigate();
  const provider = useDataProvider();
  const client = useQueryClient();
  const notify = useNotify();
  const [deleting, setDeleting] = useState(false);
  const remove = async () => {
    try {
      await provider.delete(meta.name, { id: record.id });
      void client.invalidateQueries({ queryKey: [meta.name, "getList"] });
      notify(t("common.deleted"), { type: "success" });
      navigate(`/${meta.name}`);
    } catch (cause) {
      notify(messageOf(cause), { type: "error" });
      setDeleting(false);
    }
  };
  return (
    <>
      <Breadcrumbs sx={{ fontSize: 12 }}><Link to={`/${meta.name}`}>{meta.plural}</Link></Breadcrumbs>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography variant="h1" sx={{ overflowWrap: "anywhere" }}>{title}</Typography>
        {mark}
        <Box sx={{ flex: 1 }} />
        {abilities(meta).remove && <Button color="error" onClick={() => setDeleting(true)}>{t("common.delete")}</Button>}
        {actions}
      </Box>
      {deleting && <ConfirmDialog title={t("resources.deleteTitle", { name: title })} hint={t("resources.bulkDeleteHint")} action={t("common.delete")} danger onClose={() => setDeleting(false)} onConfirm={remove} />}
    </>
  );
}

export const COMMON = ["comments", "attachments", "history"] as const;
export type CommonTab = (typeof COMMON)[number];

/** The tabs of a record: those of its own, then those that its resource has like others. */
export function RecordTabs<T extends string>({ meta, own, value, onChange }: { meta: ResourceMeta; own: [T, string][]; value: T | CommonTab; onChange: (name: T | CommonTab) => void }) {
  return (
    <Tabs value={value} onChange={(_, name: T | CommonTab) => onChange(name)} sx={{ borderBottom: 1, borderColor: "divider", mb: 2 }} variant="scrollable">
      {own.map(([name, label]) => <Tab key={name} value={name} label={label} />)}
      {COMMON.filter((name) => meta.verbs[name] !== undefined).map((name) => <Tab key={name} value={name} label={t(`resources.${name}`)} />)}
    </Tabs>
  );
}

/** Which tab is open, from the address. */
export function tabOf<T extends string>(meta: ResourceMeta, own: readonly [T, ...T[]], wanted: string | null): T | CommonTab {
  return [...own, ...COMMON.filter((name) => meta.verbs[name] !== undefined)].find((name) => name === wanted) ?? own[0];
}

export function CommonTabs({ meta, id, tab }: { meta: ResourceMeta; id: string; tab: string }) {
  if (tab === "comments") return <Comments meta={meta} id={id} />;
  if (tab === "attachments") return <Attachments meta={meta} id={id} />;
  return tab === "history" ? <History meta={meta} id={id} /> : null;
}
