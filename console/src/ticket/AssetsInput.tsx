import Autocomplete from "@mui/material/Autocomplete";
import TextField from "@mui/material/TextField";
import { useMetadata } from "../api/metadata";
import type { ChoiceId } from "../api/types";
import { t } from "../i18n";
import { ReferencesPicker } from "../resources/ReferencePicker";
import type { SpecialInput } from "../rules/inputs";

/** The assets that a ticket is about: picked from the inventory; typed as words by who may not see that. */
export function AssetsInput({ field, value, onChange, error }: SpecialInput) {
  const items = useMetadata().byName.get("ci");
  const list = Array.isArray(value) ? (value as ChoiceId[]) : [];
  if (items) return <ReferencesPicker label={field.label} target={items} value={list} onChange={onChange} error={error} />;
  return (
    <Autocomplete multiple freeSolo autoSelect options={[] as string[]} value={list.map(String)} onChange={(_, typed) => onChange(typed)}
      renderInput={(params) => <TextField {...params} label={field.label} error={!!error} helperText={error ?? t("ticket.tagsHint")} />} />
  );
}
