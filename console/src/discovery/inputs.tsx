import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import Chip from "@mui/material/Chip";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useDataProvider, useInput } from "react-admin";
import { useMetadata } from "../api/metadata";
import type { FieldMeta, Row } from "../api/types";
import { t, type TextKey } from "../i18n";
import { FieldInput, readMessage } from "../resources/FieldInput";
import { ReferencePicker } from "../resources/ReferencePicker";
import { blame, culprit, DAYS, isTrue, numberOr, objectOf, PERIODS, readSchedule, splitAddresses, splitWords, textOf, UNITS, withParameter, writeSchedule, type Parameter, type Schedule } from "./model";

/** A field's value and the reason why it was refused. */
function useField(source: string) {
  const { field, fieldState } = useInput({ source, defaultValue: null });
  const error = typeof fieldState.error?.message === "string" ? readMessage(fieldState.error.message) : undefined;
  return { value: field.value as unknown, onChange: field.onChange as (value: unknown) => void, error };
}

/** Text that becomes a list. What is typed stays as typed while it is. */
function ListField({ label, value, read, onChange, error, help, multiline, placeholder }: {
  label: string; value: unknown[]; read: (typed: string) => unknown[]; onChange: (value: unknown[]) => void; error?: string; help?: string; multiline?: boolean; placeholder?: string;
}) {
  const [typed, setTyped] = useState(() => value.map(String).join(multiline ? "\n" : ", "));
  return (
    <TextField fullWidth label={label} value={typed} multiline={multiline} minRows={multiline ? 2 : undefined} error={!!error} helperText={error ?? help} placeholder={placeholder}
      onChange={(event) => { setTyped(event.target.value); onChange(read(event.target.value)); }} />
  );
}

/** Addresses that are never asked: one of the parameters, which stands with the addresses. */
export function ExclusionsInput({ parameters }: { parameters: Parameter[] }) {
  const { value, onChange, error } = useField("params");
  const params = objectOf(value);
  const given = params.exclude_ip_address;
  const mine = error && culprit(error, parameters.map((one) => one.name)) === "exclude_ip_address" ? error : undefined;
  return (
    <ListField multiline label={t("discovery.exclusions")} value={Array.isArray(given) ? given : given ? splitAddresses(String(given)) : []} read={splitAddresses} error={mine} help={t("discovery.exclusionsHint")}
      onChange={(next) => onChange(textOf(withParameter(params, { name: "exclude_ip_address", default: [] }, next)))} />
  );
}

function ParameterInput({ one, params, onChange, error }: { one: Parameter; params: Record<string, unknown>; onChange: (params: Record<string, unknown>) => void; error?: string }) {
  const value = params[one.name];
  const put = (next: unknown) => onChange(withParameter(params, one, next));
  if (one.kind === "boolean") {
    return (
      <Box>
        <FormControlLabel label={one.label} control={<Checkbox checked={isTrue(value ?? one.default)} onChange={(event) => put(event.target.checked)} />} />
        {(error ?? one.help) && <FormHelperText error={!!error}>{error ?? one.help}</FormHelperText>}
      </Box>
    );
  }
  if (one.kind === "integer") {
    return (
      <TextField fullWidth type="number" label={one.label} value={value === undefined ? String(one.default) : String(value)} error={!!error} onChange={(event) => put(numberOr(event.target.value))}
        helperText={error ?? `${one.help} ${t("discovery.bounds", { low: one.minimum ?? 0, high: one.maximum ?? "∞", standard: String(one.default) })}`.trim()} slotProps={{ htmlInput: { min: one.minimum ?? undefined, max: one.maximum ?? undefined } }} />
    );
  }
  const list = value ?? one.default;
  const read = (typed: string) => splitWords(typed).map(one.kind === "ports" ? numberOr : String);
  return <ListField label={one.label} value={Array.isArray(list) ? list : [list]} read={read} onChange={put} error={error} help={one.help} />;
}

/** Parameters of the scanner, each with the input for its kind. `shown` are those of this place, `parameters` all that there are. */
export function ParametersInput({ shown, parameters }: { shown: Parameter[]; parameters: Parameter[] }) {
  const { value, onChange, error } = useField("params");
  // One error for the whole field: it stands where it belongs.
  const blamed = error ? culprit(error, parameters.map((one) => one.name)) : "";
  return shown.map((one) => <ParameterInput key={one.name} one={one} params={objectOf(value)} onChange={(next) => onChange(textOf(next))} error={error && one.name === blamed ? blame(error, one) : undefined} />);
}

/** What the server told of as UTC, as it is for whoever looks. */
function localTime(clock: string): string {
  const [hour = "0", minute = "0"] = clock.split(":");
  const moment = new Date();
  moment.setUTCHours(Number(hour), Number(minute), 0, 0);
  return moment.getTimezoneOffset() === 0 ? "" : new Intl.DateTimeFormat("en-GB", { timeStyle: "short" }).format(moment);
}

export function ScheduleInput() {
  const { value, onChange, error } = useField("schedule");
  const [schedule, setSchedule] = useState<Schedule>(() => readSchedule(value));
  const put = (change: Partial<Schedule>) => {
    const next = { ...schedule, ...change };
    setSchedule(next);
    onChange(textOf(writeSchedule(next)));
  };
  const { period } = schedule;
  const local = localTime(schedule.time);
  return (
    <Box data-testid="schedule">
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "flex-start", "& .MuiTextField-root": { width: 190 } }}>
        <TextField select label={t("discovery.period")} value={period} error={!!error} onChange={(event) => put({ period: PERIODS.find((one) => one === event.target.value) ?? "" })}
          slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
          {PERIODS.map((one) => <MenuItem key={one} value={one}>{t(`discovery.periods.${one || "manual"}`)}</MenuItem>)}
        </TextField>
        {period === "every" && (
          <>
            <TextField type="number" label={t("discovery.every")} value={schedule.every} onChange={(event) => put({ every: event.target.value })} slotProps={{ htmlInput: { min: 1, max: 10_000 } }} />
            <TextField select label={t("discovery.unit")} value={schedule.unit} onChange={(event) => put({ unit: UNITS.find((one) => one === event.target.value) ?? "hours" })}>
              {UNITS.map((one) => <MenuItem key={one} value={one}>{t(`discovery.units.${one}`)}</MenuItem>)}
            </TextField>
          </>
        )}
        {period === "once" && <TextField type="datetime-local" label={t("discovery.at")} value={schedule.at} helperText={t("discovery.atHint")} onChange={(event) => put({ at: event.target.value })} slotProps={{ inputLabel: { shrink: true } }} />}
        {period === "monthly" && <TextField label={t("discovery.dates")} value={schedule.dates} helperText={t("discovery.datesHint")} onChange={(event) => put({ dates: event.target.value })} />}
        {(period === "daily" || period === "weekly" || period === "monthly") && (
          <TextField type="time" label={t("discovery.time")} value={schedule.time} helperText={local ? t("discovery.localTime", { time: local }) : undefined} onChange={(event) => put({ time: event.target.value || "00:00" })} slotProps={{ inputLabel: { shrink: true } }} />
        )}
      </Box>
      {period === "weekly" && (
        <Box role="group" aria-label={t("discovery.days")} sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, mt: 1.5 }}>
          {DAYS.map((day) => {
            const on = schedule.days.includes(day);
            // One day stays: without any the server would take Monday.
            const next = on ? schedule.days.filter((one) => one !== day) : [...schedule.days, day];
            return <Chip key={day} clickable aria-pressed={on} label={t(`discovery.dayNames.${day}` as TextKey)} color={on ? "primary" : "default"} variant={on ? "filled" : "outlined"} onClick={() => next.length > 0 && put({ days: next })} />;
          })}
        </Box>
      )}
      <FormHelperText error={!!error}>{error ?? t(period ? "discovery.scheduleHint" : "discovery.byHandHint")}</FormHelperText>
    </Box>
  );
}

/** Who asks: this server, or one of the collectors that there are. */
export function CollectorInput({ field }: { field: FieldMeta }) {
  const { value, onChange, error } = useField("agent_id");
  const target = useMetadata().byName.get("collector");
  const provider = useDataProvider();
  const chosen = typeof value === "string" && value !== "" ? value : null;
  const { data } = useQuery({
    queryKey: ["collector", "getList", "any"],
    queryFn: () => provider.getList<Row>("collector", { pagination: { page: 1, perPage: 1 }, sort: { field: "id", order: "ASC" }, filter: {} }),
    enabled: !!target,
  });
  if (!target) return chosen || error ? <FieldInput field={field} /> : null;
  if (!data?.total && !chosen && !error) return null;
  return <ReferencePicker label={field.label} target={target} value={chosen} onChange={(id) => onChange(id === null ? "" : String(id))} error={error} help={t("discovery.collectorHint")} />;
}

/** Listed addresses: plain ones are text; rows of a file with more columns stay JSON. */
export function ListedInput({ field }: { field: FieldMeta }) {
  const { value, onChange, error } = useField("csv_data");
  const [listed] = useState(() => {
    try {
      const parsed = JSON.parse(typeof value === "string" && value ? value : "[]") as unknown;
      return Array.isArray(parsed) && parsed.every((one) => typeof one === "string") ? parsed : undefined;
    } catch {
      return undefined;
    }
  });
  if (!listed) return <FieldInput field={field} />;
  return <ListField multiline label={field.label} value={listed} read={splitAddresses} onChange={(next) => onChange(textOf(next))} error={error} help={t("discovery.listedHint")} />;
}
