import Chip from "@mui/material/Chip";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { api } from "../api/http";
import { PlainTable, Section } from "../common/blocks";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import type { FormPanel } from "../resources/panels";

/** When a maintenance window is in effect: now, and the next times. */
export function WindowTimes({ record }: FormPanel) {
  const id = String(record?.id ?? "");
  const { data } = useQuery({ queryKey: ["maintenance-times", id, record?.version], queryFn: ({ signal }) => api<{ active: boolean; results: { start: string; end: string }[] }>(`/ux/common/events/maintenance/${id}/occurrences/`, { signal }), enabled: !!id });
  if (!data) return null;
  return (
    <Section title={t("events.windowTimes")} testId="window-times" actions={data.active && <Chip label={t("events.windowActive")} />}>
      {data.results.length === 0 && <Typography color="text.secondary">{t("events.windowNever")}</Typography>}
      {data.results.length > 0 && <PlainTable label={t("events.windowTimes")} head={[t("rules.from"), t("rules.to")]} rows={data.results.map((item) => ({ key: item.start, cells: [dateTime(item.start), dateTime(item.end)] }))} />}
    </Section>
  );
}
