import Autocomplete from "@mui/material/Autocomplete";
import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import FormHelperText from "@mui/material/FormHelperText";
import IconButton from "@mui/material/IconButton";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState, type ComponentType } from "react";
import { useWatch } from "react-hook-form";
import { BehavioursInput, ModuleInput, ResourceInput, StatusInput } from "../admin/FieldConfigInputs";
import { useMetadata } from "../api/metadata";
import { AttributesInput, IdentifiersInput, SectionsInput } from "../assets/CategoryInputs";
import { fieldAccess } from "../api/permissions";
import type { FieldMeta } from "../api/types";
import { t } from "../i18n";
import { linesOf, mapOf, mapText } from "../pipeline/model";
import { FilterBuilder } from "../resources/FilterBuilder";
import { Criteria } from "../traps/Criteria";
import { NumberInput } from "../templates/NumberInput";
import { StatisticsInput } from "../templates/StatisticsInput";
import { HoursInput } from "../teams/HoursInput";
import { LevelsInput, TurnsInput } from "../teams/StepsInput";
import { AssetsInput } from "../ticket/AssetsInput";
import { SeverityInput } from "./SeverityInput";
import { DAYS, isClock, parsed, readConditions, readWeek, writeConditions, writeWeek, type Day, type Simple, type Week } from "./model";

export interface SpecialInput {
  field: FieldMeta;
  value: unknown;
  onChange: (value: unknown) => void;
  error?: string;
}

const mono = { input: { sx: { fontFamily: "monospace", fontSize: 13 } } };

/** The conditions of a trigger or subscription, on the fields of what it is about: events, where it says nothing else. */
function Conditions({ field, value, onChange, error }: SpecialInput) {
  const { byName } = useMetadata();
  const about = useWatch({ name: "about" }) as unknown;
  const [simple, setSimple] = useState<Simple | undefined>(() => readConditions(value));
  const fields = (byName.get(typeof about === "string" && about ? about : "event")?.fields ?? []).filter((item) => item.filterable && !fieldAccess(item).hidden);
  const take = (next: Simple) => {
    setSimple(next);
    onChange(writeConditions(next));
  };
  if (!simple || fields.length === 0) {
    return (
      <Box>
        <TextField multiline minRows={4} fullWidth label={field.label} value={typeof value === "string" ? value : JSON.stringify(value, null, 2)} onChange={(event) => onChange(event.target.value)} error={!!error} helperText={error ?? t("rules.complex")} slotProps={mono} />
        {fields.length > 0 && <Button onClick={() => take({ where: [], any: false })}>{t("rules.startOver")}</Button>}
      </Box>
    );
  }
  return (
    <Box data-testid="condition-builder">
      {field.section !== field.label && <Typography variant="body2" sx={{ mb: 1, fontWeight: 600 }}>{field.label}</Typography>}
      {simple.where.length === 0 && <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{t("rules.conditionsHint")}</Typography>}
      <FilterBuilder fields={fields} where={simple.where} any={simple.any} onChange={(where, any) => take({ where, any })} />
      {error && <FormHelperText error>{error}</FormHelperText>}
    </Box>
  );
}

/** A week of working hours: any number of stretches a day. */
function WeekInput({ field, value, onChange, error }: SpecialInput) {
  const [week, setWeek] = useState<Week>(() => readWeek(value));
  const take = (next: Week) => {
    setWeek(next);
    onChange(writeWeek(next));
  };
  const put = (day: Day, intervals: [string, string][]) => take({ ...week, [day]: intervals });
  const edit = (day: Day, index: number, part: 0 | 1, text: string) => put(day, week[day].map((item, i): [string, string] => (i === index ? (part === 0 ? [text, item[1]] : [item[0], text]) : item)));
  return (
    <Box role="group" aria-label={field.label} data-testid="week">
      <Box sx={{ display: "flex", alignItems: "center", mb: 1 }}>
        <Typography variant="body2" sx={{ fontWeight: 600, mr: "auto" }}>{field.label}</Typography>
        <Button onClick={() => take({ ...week, ...Object.fromEntries(DAYS.slice(1, 5).map((day) => [day, week.monday])) })}>{t("rules.toWeekdays")}</Button>
      </Box>
      {DAYS.map((day) => (
        <Box key={day} sx={{ display: "grid", gridTemplateColumns: "110px minmax(0,1fr) auto", gap: 1, alignItems: "center", py: 0.5, borderTop: 1, borderColor: "divider" }}>
          <span>{t(`rules.days.${day}`)}</span>
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5 }}>
            {week[day].length === 0 && <Box component="span" sx={{ color: "text.secondary" }}>{t("rules.closed")}</Box>}
            {week[day].map(([from, to], index) => (
              <Box key={index} sx={{ display: "flex", alignItems: "center", gap: 0.5 }}>
                {([from, to] as const).map((text, part) => (
                  <TextField key={part} value={text} error={!isClock(text)} placeholder={t("rules.clock")} onChange={(event) => edit(day, index, part === 0 ? 0 : 1, event.target.value)} sx={{ width: 76 }}
                    slotProps={{ htmlInput: { maxLength: 5, "aria-label": `${t(`rules.days.${day}`)} ${part === 0 ? t("rules.from") : t("rules.to")}` } }} />
                ))}
                <IconButton size="small" aria-label={`${t("rules.removeHours")}: ${t(`rules.days.${day}`)}`} onClick={() => put(day, week[day].filter((_, i) => i !== index))}><CloseIcon fontSize="small" /></IconButton>
              </Box>
            ))}
          </Box>
          <Button onClick={() => put(day, [...week[day], week[day].length === 0 ? ["09:00", "17:00"] : ["", ""]])}>{t("rules.addHours")}</Button>
        </Box>
      ))}
      {error && <FormHelperText error>{error}</FormHelperText>}
    </Box>
  );
}

/** Names and values, one a line; what is typed stays as it is. */
function Pairs({ field, value, onChange, error, hint }: SpecialInput & { hint?: string }) {
  const [text, setText] = useState(() => mapText(parsed(value)));
  const [nested] = useState(() => Object.values((parsed(value) ?? {}) as object).some((held) => typeof held === "object"));
  // A document that came by the API with more than pairs in it is not flattened by being looked at.
  if (nested) return <TextField multiline minRows={3} fullWidth label={field.label} value={typeof value === "string" ? value : JSON.stringify(value, null, 2)} error={!!error} helperText={error ?? t("rules.nestedHint")} slotProps={mono} onChange={(event) => onChange(event.target.value)} />;
  return <TextField multiline minRows={hint ? 3 : 2} fullWidth label={field.label} value={text} error={!!error} helperText={error ?? hint ?? t("pipeline.mapHint")} slotProps={mono} onChange={(event) => { setText(event.target.value); onChange(mapOf(event.target.value)); }} />;
}

const Holidays = (input: SpecialInput) => <Pairs {...input} hint={t("rules.holidaysHint")} />;

/** Any number of words. */
function Words({ field, value, onChange, error }: SpecialInput) {
  const list = parsed(value);
  return (
    <Autocomplete multiple freeSolo autoSelect options={[] as string[]} value={Array.isArray(list) ? list.map(String) : []} onChange={(_, next) => onChange(next)}
      renderInput={(params) => <TextField {...params} label={field.label} error={!!error} helperText={error ?? field.help} />} />
  );
}

/** The addresses and networks that a trap configuration is for. */
function Addresses({ value, onChange, ...input }: SpecialInput) {
  const document = parsed(value);
  const { addresses, ...rest } = (typeof document === "object" && document !== null ? document : {}) as { addresses?: unknown };
  return <Words {...input} field={{ ...input.field, help: t("rules.addressesHint") }} value={addresses ?? []} onChange={(next) => onChange((next as string[]).length > 0 ? { ...rest, addresses: next } : rest)} />;
}

function Samples({ value, onChange, error }: SpecialInput) {
  const [text, setText] = useState(() => { const list = parsed(value); return Array.isArray(list) ? list.join("\n") : ""; });
  return <TextField multiline minRows={3} fullWidth label={t("rules.samples")} value={text} error={!!error} helperText={error ?? t("rules.samplesHint")} slotProps={mono} onChange={(event) => { setText(event.target.value); onChange(linesOf(event.target.value)); }} />;
}

/** Fields whose value is more than a line of text: `resource.field` → its editor. */
export const SPECIAL_INPUTS: Record<string, ComponentType<SpecialInput>> = {
  "event_trigger.conditions": Conditions,
  "event_trigger.by_severity": SeverityInput,
  "notification_subscription.conditions": Conditions,
  "notification_channel.headers": Pairs,
  "log_rule.group_by": Words,
  "log_integration.networks": Words,
  "trap_configuration.set_criteria": Criteria,
  "trap_configuration.reset_criteria": Criteria,
  "trap_configuration.applicable_filter": Criteria,
  "trap_configuration.applies_to": Addresses,
  "trap_configuration.stat_map": Pairs,
  "trap_configuration.rca": Pairs,
  "trap_configuration.config_download": Pairs,
  "business_hours.hours": WeekInput,
  "business_hours.holidays": Holidays,
  "event_rule.samples": Samples,
  "ci_category.attributes": AttributesInput,
  "ci_category.sections": SectionsInput,
  "ci_category.identifiers": IdentifiersInput,
  "device_template.sysobjectid": NumberInput,
  "device_template.resource": StatisticsInput,
  "team.business_hr_profile": HoursInput,
  "team.level_staff": LevelsInput,
  "team.sequence_staffs": TurnsInput,
  "incident.assets": AssetsInput,
  "custom_field.resource": ResourceInput,
  "field_config.module": ModuleInput,
  "field_config.status": StatusInput,
  "field_config.field_config": BehavioursInput,
};
