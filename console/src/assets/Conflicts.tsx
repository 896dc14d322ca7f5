import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { PlainTable, Section, useTask } from "../common/blocks";
import { relativeTime } from "../common/format";
import { t } from "../i18n";

const PATH = "/ux/common/cmdb/profile/conflicts/";

interface Claim { id: string; label: string; source: string; value: unknown; current: unknown; current_source: string; seen: string }

const words = (value: unknown) => (value === null || value === undefined || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** What sources say otherwise than the item, until somebody decides. */
export function Conflicts({ id, mayDecide }: { id: string; mayDecide: boolean }) {
  const client = useQueryClient();
  const { busy, run } = useTask();
  const { data, refetch } = useQuery({ queryKey: ["ci", "conflicts", id], queryFn: ({ signal }) => api<ListEnvelope<Claim>>(`${PATH}${query({ ci_id: id, items_per_page: 100 })}`, { signal }), retry: false });
  if (!data || data.results.length === 0) return null;
  const decide = (claim: Claim, decision: "keep" | "take") => run(async () => {
    await api(PATH, { method: "POST", body: { ids: [claim.id], decision } });
    await Promise.all([refetch(), client.invalidateQueries({ queryKey: ["ci", "basic", id] }), client.invalidateQueries({ queryKey: ["ci", id] })]);
  });
  return (
    <Box sx={{ gridColumn: "1 / -1" }}>
      <Section title={t("assets.conflicts", { count: data.count, smart_count: data.count })} testId="conflicts">
        <PlainTable label={t("assets.conflictsLabel")} head={[t("assets.column.field"), t("assets.column.current"), t("assets.column.claimed"), ...(mayDecide ? [""] : [])]}
          rows={data.results.map((one) => ({ key: one.id, cells: [
            one.label, `${words(one.current)} (${one.current_source})`, `${words(one.value)} (${one.source}, ${relativeTime(one.seen)})`,
            ...(mayDecide ? [
              <Box key="decide" sx={{ display: "flex", gap: 1, justifyContent: "flex-end" }}>
                <Button size="small" disabled={busy} aria-label={t("assets.keepOf", { field: one.label })} onClick={() => void decide(one, "keep")}>{t("assets.keep")}</Button>
                <Button size="small" disabled={busy} aria-label={t("assets.takeOf", { field: one.label, source: one.source })} onClick={() => void decide(one, "take")}>{t("assets.take")}</Button>
              </Box>,
            ] : []),
          ] }))} />
      </Section>
    </Box>
  );
}
