import Box from "@mui/material/Box";
import Link from "@mui/material/Link";
import { Link as RouterLink } from "react-router-dom";
import { useMetadata, referencedResource } from "../api/metadata";
import { fieldLabel, fieldValue, referenceId } from "../api/records";
import type { Choice, ChoiceId, FieldMeta } from "../api/types";
import { dateOnly, dateTime, plainText, textOn } from "../common/format";
import { t } from "../i18n";
import { codesText } from "../rules/severities";
import { stepsText } from "../teams/model";
import { documentText } from "./documents";
import { ReferenceNames } from "./ReferenceName";

/** A choice with its colour as a mark beside the text, so that the text keeps its contrast on both themes. */
export function ChoiceMark({ name, color }: { name: string; color?: string | null }) {
  return (
    <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.75, whiteSpace: "nowrap" }}>
      {color && <Box component="span" sx={{ width: 8, height: 8, borderRadius: "50%", flexShrink: 0, bgcolor: color }} />}
      {name}
    </Box>
  );
}

function findChoice(field: FieldMeta, value: unknown): Choice | undefined {
  const id = referenceId(value);
  return field.choices?.find((choice) => String(choice.id) === String(id) || choice.name === id);
}

/** An id without a name beside it. */
const isBareId = (value: unknown) => typeof value === "string" || typeof value === "number";

function nameOf(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    const object = value as Record<string, unknown>;
    return String(object.name ?? object.full_name ?? object.label ?? object.id ?? "");
  }
  return String(value);
}

/** The text of a value, for titles and tables. */
export function valueText(record: Record<string, unknown>, field: FieldMeta): string {
  const value = fieldValue(record, field);
  const label = fieldLabel(record, field);
  if (label !== undefined) return Array.isArray(label) ? label.join(", ") : label;
  if (value === null || value === undefined || value === "") return "";
  switch (field.kind) {
    case "boolean":
      return value ? t("common.yes") : t("common.no");
    case "date":
      return dateOnly(String(value));
    case "datetime":
      return dateTime(String(value));
    case "html":
      return plainText(String(value));
    case "json":
      return stepsText(value) ?? (field.name === "by_severity" ? codesText(value) : documentText(value));
    default: {
      const many = Array.isArray(value) ? value : [value];
      return many.map((item) => findChoice(field, item)?.name ?? nameOf(item)).join(", ");
    }
  }
}

export function FieldValue({ record, field, link }: { record: Record<string, unknown>; field: FieldMeta; link?: boolean }) {
  const { byName } = useMetadata();
  const value = fieldValue(record, field);
  const text = valueText(record, field);
  if (text === "") return null;
  switch (field.kind) {
    case "choice": {
      const choice = findChoice(field, value);
      return <ChoiceMark name={text} color={choice?.color} />;
    }
    case "color":
      return <Box component="span" sx={{ bgcolor: text, color: textOn(text), px: 0.75, borderRadius: 0.5 }}>{text}</Box>;
    case "datetime":
      return <time dateTime={String(value)}>{text}</time>;
    case "email":
      return link ? <Link href={`mailto:${text}`}>{text}</Link> : <>{text}</>;
    case "url":
      return link && /^https?:/i.test(text) ? <Link href={text} target="_blank" rel="noopener noreferrer">{text}</Link> : <>{text}</>;
    case "reference":
    case "user": {
      const target = referencedResource(field, byName);
      const id = referenceId(value);
      const shown = target && id !== null && isBareId(value) && fieldLabel(record, field) === undefined ? <ReferenceNames target={target} ids={[id]} /> : <>{text}</>;
      return link && target && id !== null
        ? <Link component={RouterLink} to={`/${target.name}/${encodeURIComponent(String(id))}`}>{shown}</Link>
        : shown;
    }
    case "references":
    case "users": {
      const target = referencedResource(field, byName);
      const bare = target && Array.isArray(value) && value.every(isBareId) && fieldLabel(record, field) === undefined;
      return bare ? <ReferenceNames target={target} ids={value as ChoiceId[]} /> : <>{text}</>;
    }
    default:
      return <>{text}</>;
  }
}
