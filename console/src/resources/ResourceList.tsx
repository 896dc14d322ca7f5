import FilterListIcon from "@mui/icons-material/FilterList";
import Badge from "@mui/material/Badge";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import Typography from "@mui/material/Typography";
import { useState, type ReactNode } from "react";
import { ListBase, useListContext, useResourceContext } from "react-admin";
import { Link } from "react-router-dom";
import { defaultSort } from "../api/dataProvider";
import { describeClause, filterName, isComplete, type Clause, type ListFilter } from "../api/filters";
import { ApiError } from "../api/http";
import { referencedResource, useMetadata, useResourceMeta } from "../api/metadata";
import { usePageConfig } from "../api/pageConfig";
import { abilities, fieldAccess } from "../api/permissions";
import { useSession } from "../api/session";
import type { ChoiceId, FieldMeta, ResourceMeta, Row } from "../api/types";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { inSentence } from "../common/format";
import { useTitle } from "../common/hooks";
import { t, type TextKey } from "../i18n";
import { BulkBar } from "./BulkBar";
import { ColumnChooser } from "./ColumnChooser";
import { visibleColumns } from "./columns";
import { DataTable } from "./DataTable";
import { ExportButton } from "./ExportButton";
import { FilterBuilder } from "./FilterBuilder";
import { Pager } from "./Pager";
import { useNames } from "./ReferenceName";
import { SavedFilters } from "./SavedFilters";
import { SearchBox } from "./SearchBox";

/** What the first record of some lists is for, where the name does not tell. */
const OWN_HINTS = { credential: "resources.firstCredential", discovery: "resources.firstDiscovery", event_trigger: "resources.firstTrigger", log_rule: "resources.firstLogRule" } as const satisfies Record<string, TextKey>;

function Empty({ meta, narrowed, onClear }: { meta: ResourceMeta; narrowed: boolean; onClear: () => void }) {
  const may = abilities(meta);
  const name = inSentence(meta.plural);
  if (narrowed) {
    return (
      <Message testId="no-match" title={t("resources.noMatchTitle", { name })} hint={t("resources.noMatchHint")}
        action={<Button variant="outlined" onClick={onClear}>{t("resources.clearFilters")}</Button>} />
    );
  }
  const own = (OWN_HINTS as Partial<Record<string, TextKey>>)[meta.name];
  const hint = may.create && own ? t(own) : may.create && may.import ? t("resources.emptyHint") : may.create ? t("resources.emptyHintCreate") : t("resources.emptyHintView");
  return (
    <Message testId="empty" title={t("resources.emptyTitle", { name })} hint={hint}
      action={
        <Box sx={{ display: "flex", gap: 1, justifyContent: "center" }}>
          {may.create && <Button variant="contained" component={Link} to={`/${meta.name}/create`}>{t("resources.create", { name: inSentence(meta.label) })}</Button>}
          {may.import && <Button variant="outlined" component={Link} to={`/${meta.name}/import`}>{t("resources.import")}</Button>}
        </Box>
      } />
  );
}

/** A condition in words; people and other records by their names. */
function ClauseChip({ clause, field, onDelete }: { clause: Clause; field: FieldMeta | undefined; onDelete: () => void }) {
  const { byName } = useMetadata();
  const target = field && referencedResource(field, byName);
  const ids = target && Array.isArray(clause.value) ? (clause.value as ChoiceId[]) : [];
  const nameOf = useNames(target, ids);
  const words = (key: string) => (key === "yes" || key === "no" ? t(`common.${key}`) : t(`resources.conditions.${key as Clause["condition"]}`));
  return <Chip label={describeClause(clause, field, words, nameOf)} onDelete={onDelete} />;
}

interface ListParts {
  /** What stands between the list's head and its rows. */
  head?: ReactNode;
  /** What is said where there are no records at all. */
  empty?: ReactNode;
}

function ListView({ meta, head, empty }: ListParts & { meta: ResourceMeta }) {
  const { data, total, isPending, error, filterValues, setFilters, refetch } = useListContext<Row>();
  const { config, save } = usePageConfig(`list:${meta.name}`);
  const filter = filterValues as ListFilter;
  const where = filter.where ?? [];
  const [filtering, setFiltering] = useState(false);
  const columns = visibleColumns(meta, config.columns);
  const may = abilities(meta);
  const filterable = meta.fields.filter((field) => field.filterable && !fieldAccess(field).hidden);
  const active = where.filter(isComplete);
  const narrowed = active.length > 0 || !!filter.q;
  const apply = (next: ListFilter) => setFilters({ q: next.q, where: next.where?.length ? next.where : undefined, any: next.any || undefined });
  const fieldOf = (clause: Clause) => filterable.find((field) => filterName(field) === clause.field);

  if (error instanceof ApiError && error.status === 403) return <Forbidden name={meta.plural} />;
  return (
    // The list fills the window, so that its head and its pages stay in sight while the rows scroll.
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: { xs: 1, sm: 2 }, py: 1 }}>
        <Typography variant="h1" sx={{ mr: 1 }}>{meta.plural}</Typography>
        <SearchBox label={t("resources.search", { name: meta.plural })} value={filter.q ?? ""} onChange={(q) => apply({ ...filter, q: q || undefined })} />
        {filterable.length > 0 && (
          <Button color="inherit" aria-label={t("resources.filter")} aria-expanded={filtering} onClick={() => setFiltering(!filtering)} startIcon={<Badge color="primary" badgeContent={active.length}><FilterListIcon /></Badge>}>{t("resources.filter")}</Button>
        )}
        <SavedFilters filters={config.filters ?? []} current={filter} onApply={apply} onChange={(filters) => save({ filters })} />
        <Box sx={{ flex: 1 }} />
        <ColumnChooser meta={meta} columns={columns} onChange={(names) => save({ columns: names })} />
        {may.export && <ExportButton meta={meta} columns={columns} />}
        {may.import && <Button color="inherit" component={Link} to={`/${meta.name}/import`}>{t("resources.import")}</Button>}
        {may.create && <Button variant="outlined" component={Link} to={`/${meta.name}/create`}>{t("resources.create", { name: inSentence(meta.label) })}</Button>}
      </Box>
      {head}
      {filtering && (
        <Box sx={{ px: { xs: 1, sm: 2 }, pt: head ? 1.5 : 0, pb: 1.5 }}>
          <FilterBuilder fields={filterable} where={where} any={!!filter.any} onChange={(next, any) => apply({ ...filter, where: next, any })} />
        </Box>
      )}
      {!filtering && active.length > 0 && (
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, px: { xs: 1, sm: 2 }, pt: head ? 1 : 0, pb: 1 }}>
          {active.map((clause, index) => (
            <ClauseChip key={index} clause={clause} field={fieldOf(clause)} onDelete={() => apply({ ...filter, where: where.filter((item) => item !== clause) })} />
          ))}
          <Button color="inherit" onClick={() => apply({ q: filter.q })}>{t("resources.clearFilters")}</Button>
        </Box>
      )}
      <BulkBar meta={meta} />
      {error ? <Failure error={error} onRetry={() => void refetch()} />
        : isPending ? <Waiting />
        : data?.length === 0 && !total ? (empty && !narrowed ? empty : <Empty meta={meta} narrowed={narrowed} onClear={() => apply({})} />)
        : (
          <>
            <DataTable meta={meta} columns={columns} />
            <Pager />
          </>
        )}
    </Box>
  );
}

export function ResourceList({ head, empty }: ListParts) {
  const meta = useResourceMeta(useResourceContext() ?? "");
  const { user } = useSession();
  useTitle(meta.plural);
  if (!meta.privileges.includes("view")) return <Forbidden name={meta.plural} />;
  return (
    <ListBase resource={meta.name} perPage={Number(user.preferences?.rows_per_page ?? 50)} sort={defaultSort(meta) ?? { field: "id", order: "ASC" }}
      queryOptions={{ onError: () => undefined }} disableAuthentication>
      <ListView meta={meta} head={head} empty={empty} />
    </ListBase>
  );
}
