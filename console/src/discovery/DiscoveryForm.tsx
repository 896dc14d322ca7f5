import ExpandLess from "@mui/icons-material/ExpandLess";
import ExpandMore from "@mui/icons-material/ExpandMore";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Collapse from "@mui/material/Collapse";
import { useState, type ReactNode } from "react";
import { useFormContext, useFormState, useWatch } from "react-hook-form";
import { Link } from "react-router-dom";
import { useMetadata } from "../api/metadata";
import { abilities, fieldAccess } from "../api/permissions";
import type { FieldMeta } from "../api/types";
import { Section } from "../common/blocks";
import { t } from "../i18n";
import { FieldInput, isWide } from "../resources/FieldInput";
import { sections } from "../resources/form";
import { FieldGroup } from "../resources/RecordForm";
import { useParameters } from "./api";
import { CollectorInput, ExclusionsInput, ListedInput, ParametersInput, ScheduleInput } from "./inputs";
import { parametersFor } from "./model";

const WHAT = ["label", "description", "is_enabled"];
const FURTHER = ["secondary_host", "csv_data"];
const SEEDS = ["seeds", "seed_follow", "seed_ranges", "seed_depth", "seed_limit"];
const THEN = ["dry_run", "approval_required"];
/** What is done with what was found, as against how it is looked for. */
const WATCH = ["ping_monitor", "snmp_monitor"];
const PLACED = new Set([...WHAT, "host", ...FURTHER, ...SEEDS, "protocol", "credentials", "agent_id", "params", "schedule", ...THEN]);

const grid = { display: "grid", gap: 2, gridTemplateColumns: { xs: "minmax(0,1fr)", sm: "minmax(0,1fr) minmax(0,1fr)" }, alignItems: "start" } as const;
const wide = { gridColumn: "1 / -1" } as const;

/** What is seldom needed: folded up, unless something in it is set or was refused. */
function Fold({ label, open: start, names, children, testId }: { label: string; open: boolean; names: string[]; children: ReactNode; testId: string }) {
  const [chosen, setOpen] = useState(start);
  const { errors } = useFormState();
  const open = chosen || names.some((name) => errors[name] !== undefined);
  return (
    <Box sx={wide}>
      <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)} startIcon={open ? <ExpandLess /> : <ExpandMore />} data-testid={testId}>{label}</Button>
      <Collapse in={open}><Box sx={{ ...grid, pt: 1.5 }}>{children}</Box></Collapse>
    </Box>
  );
}

/** The form of a discovery: what, where, how, when, and what becomes of what is found. */
export function DiscoveryForm({ fields }: { fields: FieldMeta[] }) {
  const meta = useMetadata().byName.get("discovery");
  const credential = useMetadata().byName.get("credential");
  const { data: parameters = [] } = useParameters(meta?.path ?? "");
  const protocols = useWatch({ name: "protocol" }) as string[] | null;
  const { getValues } = useFormContext();
  const filled = (names: string[]) => names.some((name) => { const value = getValues(name) as unknown; return !(value === null || value === undefined || value === "" || value === "[]" || (Array.isArray(value) && value.length === 0)); });
  const field = (name: string) => fields.find((one) => one.name === name);
  const plain = (names: string[]) => names.map(field).filter((one) => one !== undefined).map((one) => <Box key={one.name} sx={isWide(one) ? wide : undefined}><FieldInput field={one} /></Box>);
  // A field that the caller may only read is shown as any form shows it.
  const custom = (name: string, make: (field: FieldMeta) => ReactNode) => {
    const one = field(name);
    return one && (fieldAccess(one).readOnly ? <FieldInput field={one} /> : make(one));
  };
  const relevant = parametersFor(parameters, protocols ?? []).filter((one) => one.name !== "exclude_ip_address");
  const params = field("params");
  const free = !!params && !fieldAccess(params).readOnly;
  const rest = fields.filter((one) => !PLACED.has(one.name) && !one.read_only);
  return (
    <>
      <Section title={t("discovery.what")}><Box sx={{ ...grid, pt: 0.5 }}>{plain(WHAT)}</Box></Section>
      <Section title={t("discovery.where")}>
        <Box sx={{ ...grid, pt: 0.5 }}>
          {plain(["host"])}
          {free && <Box sx={wide}><ExclusionsInput parameters={parameters} /></Box>}
          <Fold label={t("discovery.seeds")} open={filled(["seeds"])} names={SEEDS} testId="fold-seeds">{plain(SEEDS)}</Fold>
          <Fold label={t("discovery.further")} open={filled(FURTHER)} names={FURTHER} testId="fold-further">
            {plain(["secondary_host"])}
            <Box sx={wide}>{custom("csv_data", (one) => <ListedInput field={one} />)}</Box>
          </Fold>
        </Box>
      </Section>
      <Section title={t("discovery.how")}>
        <Box sx={{ ...grid, pt: 0.5 }}>
          {plain(["protocol"])}
          <Box>
            {plain(["credentials"])}
            {credential && abilities(credential).create && <Button component={Link} to="/credential/create" target="_blank" rel="noopener" size="small">{t("discovery.newCredential")}</Button>}
          </Box>
          {custom("agent_id", (one) => <CollectorInput field={one} />)}
          {free
            ? <Fold label={t("discovery.more")} open={false} names={["params"]} testId="fold-parameters"><ParametersInput shown={relevant.filter((one) => !WATCH.includes(one.name))} parameters={parameters} /></Fold>
            : params && <Box sx={wide}><FieldInput field={params} /></Box>}
        </Box>
      </Section>
      {field("schedule") && <Section title={t("discovery.when")}><Box sx={{ pt: 0.5 }}>{custom("schedule", () => <ScheduleInput />)}</Box></Section>}
      <Section title={t("discovery.then")}>
        <Box sx={grid}>
          {plain(THEN)}
          {free && <ParametersInput shown={relevant.filter((one) => WATCH.includes(one.name))} parameters={parameters} />}
        </Box>
      </Section>
      {sections(rest).map(([name, items]) => <FieldGroup key={name} name={name} fields={items} />)}
    </>
  );
}
