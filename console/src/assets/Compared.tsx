import Box from "@mui/material/Box";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router-dom";
import { api, query } from "../api/http";
import { Failure, Waiting } from "../app/Messages";
import { PlainTable, Section } from "../common/blocks";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import { changeText } from "../resources/changes";

interface Ends { relation_id: string; source: string; source_name: string; target: string; target_name: string; reading: string; at: string }
interface Comparison {
  items: { ci_id: string; name: string; what: "added" | "removed" | "changed"; changes: { field: string; label: string; then: unknown; now: unknown }[] }[];
  added: Ends[];
  removed: Ends[];
  truncated: boolean;
}

const DAYS = [1, 7, 30, 90, 365] as const;
const MOST = 8;

const about = (one: Ends) => <><Link to={`/ci/${one.source}`}>{one.source_name}</Link> {one.reading} <Link to={`/ci/${one.target}`}>{one.target_name}</Link></>;

/** What came, went or changed around an item since a day, told from the history. */
export function Compared({ ci, depth }: { ci: string; depth: number }) {
  const [days, setDays] = useState<number | "">("");
  const { data, error, refetch } = useQuery({
    queryKey: ["compared", ci, depth, days], enabled: days !== "", retry: false,
    queryFn: ({ signal }) => api<Comparison>(`/ux/common/cmdb/relation/compare/${query({ ci_id: ci, depth, since: new Date(Date.now() - Number(days) * 86_400_000).toISOString() })}`, { signal }),
  });
  const rows = data ? [
    ...data.added.map((one) => ({ key: `+${one.relation_id}`, cells: [t("assets.relationNew"), about(one), dateTime(one.at)] })),
    ...data.removed.map((one) => ({ key: `-${one.relation_id}`, cells: [t("assets.relationGone"), about(one), dateTime(one.at)] })),
    ...data.items.map((one) => ({ key: one.ci_id, cells: [
      t(`assets.item_${one.what}`), <Link key="item" to={`/ci/${one.ci_id}`}>{one.name}</Link>,
      one.what === "changed" ? <Box key="changes" component="ul" sx={{ m: 0, pl: 2 }}>{one.changes.slice(0, MOST).map((change) => <li key={change.field}>{change.label}: <del>{changeText(change.then, undefined).slice(0, 200) || t("resources.wasEmpty")}</del> → {changeText(change.now, undefined).slice(0, 200) || t("resources.wasEmpty")}</li>)}{one.changes.length > MOST && <li>{t("assets.andMore", { count: one.changes.length - MOST })}</li>}</Box> : "",
    ] })),
  ] : [];
  return (
    <Section title={t("assets.compared")} testId="compared" actions={
      <TextField select label={t("assets.since")} value={days} onChange={(event) => setDays(Number(event.target.value))} sx={{ width: 160 }}>
        {DAYS.map((one) => <MenuItem key={one} value={one}>{t("assets.sinceDays", { smart_count: one })}</MenuItem>)}
      </TextField>
    }>
      {days === "" ? <Typography color="text.secondary">{t("assets.comparedHint")}</Typography>
        : error ? <Failure error={error} onRetry={() => void refetch()} /> : !data ? <Waiting />
          : rows.length === 0 ? <Typography color="text.secondary">{t("assets.nothingChanged")}</Typography> : (
            <Box sx={{ maxHeight: 480, overflow: "auto" }}>
              {data.truncated && <Typography color="warning.main">{t("assets.truncated")}</Typography>}
              <PlainTable label={t("assets.compared")} head={[t("assets.column.what"), t("assets.column.name"), ""]} rows={rows} />
            </Box>
          )}
    </Section>
  );
}
