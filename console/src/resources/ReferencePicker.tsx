import Autocomplete from "@mui/material/Autocomplete";
import TextField from "@mui/material/TextField";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDataProvider } from "react-admin";
import { titleOf } from "../api/records";
import type { ChoiceId, ResourceMeta, Row } from "../api/types";
import { useDebounced } from "../common/hooks";
import { t } from "../i18n";
import { useNames } from "./ReferenceName";

export interface Option {
  id: ChoiceId;
  name: string;
  hint?: string;
}

interface Common {
  label: string;
  target: ResourceMeta;
  required?: boolean;
  disabled?: boolean;
  error?: string;
  help?: string | null;
  name?: string;
}

/** Searches the referenced resource's list while one types; asks for nothing before the box is opened. */
function useOptions(target: ResourceMeta, text: string, enabled: boolean) {
  const q = useDebounced(text.trim(), 200);
  const provider = useDataProvider();
  const { data, isFetching } = useQuery({
    queryKey: [target.name, "getList", "picker", q],
    queryFn: () => provider.getList<Row>(target.name, { pagination: { page: 1, perPage: 25 }, sort: { field: "id", order: "ASC" }, filter: q ? { q } : {} }),
    enabled,
    placeholderData: keepPreviousData,
  });
  const options = (data?.data ?? []).map((row): Option => ({
    id: row.id, name: titleOf(row, target), hint: typeof row.email === "string" && row.email !== titleOf(row, target) ? row.email : undefined,
  }));
  return { options, isFetching };
}

/** Names of ids, of which some are known: a filter from a shared link has none. */
function useKnownNames(target: ResourceMeta, ids: ChoiceId[], known: Map<string, string>) {
  const nameOf = useNames(target, ids.filter((id) => !known.has(String(id))));
  return (id: ChoiceId) => known.get(String(id)) ?? nameOf(id);
}

const sameOption = (a: Option, b: Option) => String(a.id) === String(b.id);
const slot = (option: Option, props: React.HTMLAttributes<HTMLLIElement> & { key?: unknown }) => {
  const { key: _, ...rest } = props;
  return (
    <li {...rest} key={String(option.id)}>
      {option.name}
      {option.hint ? ` · ${option.hint}` : ""}
    </li>
  );
};

export function ReferencePicker({ value, valueName, onChange, target, label, required, disabled, error, help, name }: Common & {
  value: ChoiceId | null; valueName?: string; onChange: (id: ChoiceId | null, option: Option | null) => void;
}) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [picked, setPicked] = useState<Option | null>(null);
  const { options, isFetching } = useOptions(target, text, open);
  const known = new Map<string, string>();
  if (value !== null && valueName) known.set(String(value), valueName);
  if (picked) known.set(String(picked.id), picked.name);
  const nameOf = useKnownNames(target, value === null ? [] : [value], known);
  const current = value === null ? null : { id: value, name: nameOf(value) };
  return (
    <Autocomplete
      value={current} options={options} open={open} disabled={disabled} loading={isFetching} filterOptions={(all) => all}
      onOpen={() => setOpen(true)} onClose={() => setOpen(false)}
      getOptionLabel={(option) => option.name} isOptionEqualToValue={sameOption} renderOption={(props, option) => slot(option, props)}
      noOptionsText={text ? t("resources.refNone") : t("resources.refUnknown")} loadingText={t("common.loading")}
      onInputChange={(_, next, why) => setText(why === "input" ? next : "")}
      onChange={(_, option) => { setPicked(option); onChange(option?.id ?? null, option); }}
      renderInput={(params) => <TextField {...params} label={label} name={name} required={required} error={!!error} helperText={error ?? help ?? undefined} />}
    />
  );
}

export function ReferencesPicker({ value, valueNames, onChange, target, label, required, disabled, error, help }: Common & {
  value: ChoiceId[]; valueNames?: string[]; onChange: (ids: ChoiceId[]) => void;
}) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [picked, setPicked] = useState<Option[]>([]);
  const { options, isFetching } = useOptions(target, text, open);
  const known = new Map(picked.map((option) => [String(option.id), option.name]));
  if (valueNames?.length === value.length) value.forEach((id, index) => known.has(String(id)) || known.set(String(id), valueNames[index] ?? ""));
  const nameOf = useKnownNames(target, value, known);
  return (
    <Autocomplete
      multiple value={value.map((id) => ({ id, name: nameOf(id) }))} options={options} open={open} disabled={disabled} loading={isFetching}
      filterOptions={(all) => all} filterSelectedOptions onOpen={() => setOpen(true)} onClose={() => setOpen(false)}
      getOptionLabel={(option) => option.name} isOptionEqualToValue={sameOption} renderOption={(props, option) => slot(option, props)}
      noOptionsText={text ? t("resources.refNone") : t("resources.refUnknown")} loadingText={t("common.loading")}
      onInputChange={(_, next, why) => setText(why === "input" ? next : "")}
      onChange={(_, next) => { setPicked((before) => [...before, ...next]); onChange(next.map((option) => option.id)); }}
      renderInput={(params) => <TextField {...params} label={label} required={required && value.length === 0} error={!!error} helperText={error ?? help ?? undefined} />}
    />
  );
}
