import Box from "@mui/material/Box";
import { fieldAccess } from "../api/permissions";
import type { ResourceMeta, Row } from "../api/types";
import { Facts, Section, type Fact } from "../common/blocks";
import { t } from "../i18n";
import { Details } from "../resources/Details";
import { useParameters } from "./api";
import { isTrue, objectOf, parametersFor, type Parameter } from "./model";
import { scheduleWords } from "./words";

/** What is told elsewhere on the page, or in words above. */
const TOLD = new Set(["params", "schedule", "last_scan_result", "job_iteration_id"]);

function shown(one: Parameter, value: unknown): string {
  if (one.kind === "boolean") return t(isTrue(value) ? "common.yes" : "common.no");
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** The settings of a discovery for whoever may not change them. */
export function Settings({ meta, record }: { meta: ResourceMeta; record: Row }) {
  const { data: parameters = [] } = useParameters(meta.path);
  const visible = (name: string) => meta.fields.some((field) => field.name === name && !fieldAccess(field).hidden);
  const params = objectOf(record.params);
  const protocols = Array.isArray(record.protocol) ? record.protocol.map(String) : [];
  const facts = parametersFor(parameters, protocols).map((one): Fact => [one.label, shown(one, params[one.name] ?? one.default)]);
  const listed = Array.isArray(record.csv_data) && record.csv_data.length > 0;
  const fields = meta.fields.filter((field) => !TOLD.has(field.name) && (field.name !== "csv_data" || listed));
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      {visible("schedule") && <Section title={t("discovery.when")}>{scheduleWords(record.schedule)}</Section>}
      {visible("params") && <Section title={t("discovery.how")}><Facts facts={facts} /></Section>}
      <Details meta={{ ...meta, fields }} record={record} />
    </Box>
  );
}
