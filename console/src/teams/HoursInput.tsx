import { useMetadata } from "../api/metadata";
import { referenceId } from "../api/records";
import { ReferencePicker } from "../resources/ReferencePicker";
import { parsed } from "../rules/model";
import type { SpecialInput } from "../rules/inputs";

/** The business hours of a team, chosen from those that there are. */
export function HoursInput({ field, value, onChange, error }: SpecialInput) {
  const target = useMetadata().byName.get("business_hours");
  const held = parsed(value);
  const name = (held as { name?: unknown } | null)?.name;
  if (!target) return null;
  return (
    <ReferencePicker label={field.label} target={target} value={referenceId(held)} valueName={typeof name === "string" ? name : undefined} error={error} help={field.help}
      onChange={(id, option) => onChange(id === null ? {} : { id, name: option?.name ?? String(id) })} />
  );
}
