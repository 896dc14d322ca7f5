import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { useDataProvider } from "react-admin";
import { Link } from "react-router-dom";
import type { Clause } from "../api/filters";
import { api, query } from "../api/http";
import { useLive } from "../api/live";
import { useMetadata } from "../api/metadata";
import { abilities } from "../api/permissions";
import { useSession } from "../api/session";
import type { ListEnvelope, ResourceMeta, Row } from "../api/types";
import { count, dateTime, relativeTime } from "../common/format";
import { useTitle } from "../common/hooks";
import { readRecent } from "../common/recent";
import { SafeHtml } from "../common/SafeHtml";
import { t } from "../i18n";
import { ChoiceMark } from "../resources/FieldValue";

/** Tickets that still need somebody, or those that do no more: the states are told apart by name, whatever their ids are here. */
export function openClause(meta: ResourceMeta | undefined, open = true): Clause[] {
  const field = meta?.fields.find((item) => item.name === "state_id" || item.name === "state");
  const done = (field?.choices ?? []).filter((choice) => ["resolved", "closed"].includes(choice.name.toLowerCase()));
  if (!field || done.length === 0) return [];
  return [{ field: field.name, condition: open ? "not_in" : "in", value: done.map((choice) => choice.id) }];
}

function Panel({ title, total, all, children }: { title: string; total?: number; all?: string; children: ReactNode }) {
  return (
    <Paper component="section" variant="outlined" aria-label={title} sx={{ p: 1.5, minWidth: 0 }}>
      <Box sx={{ display: "flex", alignItems: "baseline", gap: 1, mb: 0.5 }}>
        <Typography variant="h2">{title}</Typography>
        {total !== undefined && <Typography color="text.secondary">{count(total)}</Typography>}
        <Box sx={{ flex: 1 }} />
        {all && <Button component={Link} to={all}>{t("home.all")}</Button>}
      </Box>
      {children}
    </Paper>
  );
}

const rowStyle = { display: "grid", gridTemplateColumns: "minmax(0,1fr) auto", columnGap: 1, py: 0.75, borderTop: 1, borderColor: "divider", color: "text.primary", textDecoration: "none", "&:hover": { bgcolor: "raised" } } as const;

function Tickets({ title, empty, where }: { title: string; empty: string; where: Clause[] }) {
  const provider = useDataProvider();
  const { byName } = useMetadata();
  const meta = byName.get("incident");
  const { data } = useQuery({
    queryKey: ["incident", "getList", "home", where],
    queryFn: () => provider.getList<Row>("incident", { pagination: { page: 1, perPage: 10 }, sort: { field: "id", order: "ASC" }, filter: { where } }),
    enabled: !!meta,
  });
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const color = (row: Row, name: string) => meta?.fields.find((field) => field.name === name || field.name === `${name}_id`)?.choices?.find((choice) => String(choice.id) === String(row[`${name}_id`] ?? row[name]) || choice.name === row[name])?.color;
  const all = `/incident?${new URLSearchParams({ filter: JSON.stringify({ where }) }).toString()}`;
  return (
    <Panel title={title} total={data?.total} all={all}>
      {data?.data.length === 0 && <Typography color="text.secondary">{empty}</Typography>}
      {data?.data.map((row) => {
        const shown = text(row.display_id) || String(row.id);
        return (
          <Box key={row.id} component={Link} to={`/incident/${encodeURIComponent(shown)}`} sx={rowStyle}>
            <Box sx={{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
              <Box component="span" sx={{ color: "text.secondary", mr: 1, fontVariantNumeric: "tabular-nums" }}>{shown}</Box>
              {text(row.summary)}
            </Box>
            <Box sx={{ justifySelf: "end" }}><ChoiceMark name={text(row.priority_name) || text(row.priority)} color={color(row, "priority")} /></Box>
            <Typography variant="body2" color="text.secondary" noWrap>{text(row.requester_name)}</Typography>
            <Typography variant="body2" color="text.secondary" noWrap sx={{ justifySelf: "end" }}>{text(row.status_name) || text(row.status)} · {relativeTime(text(row.last_update_time) || text(row.creation_time))}</Typography>
          </Box>
        );
      })}
    </Panel>
  );
}

interface AnnouncementRow {
  id?: string;
  announcement_id?: string;
  message: string;
  status?: string;
  publish_start?: string;
}

function Announcements() {
  const { byName } = useMetadata();
  const meta = byName.get("announcement");
  const { data, refetch } = useQuery({
    queryKey: ["announcement", "getList", "home"],
    queryFn: ({ signal }) => api<ListEnvelope<AnnouncementRow>>(`${meta?.path ?? ""}${query({ items_per_page: 20 })}`, { signal }),
    enabled: !!meta,
  });
  useLive("announcement", () => void refetch());
  if (!meta) return null;
  const active = (data?.results ?? []).filter((entry) => !entry.status || entry.status.toLowerCase() === "active").slice(0, 5);
  return (
    <Panel title={t("home.announcements")} all="/announcement">
      {data && active.length === 0 && <Typography color="text.secondary">{t("home.announcementsEmpty")}</Typography>}
      {active.map((entry, index) => (
        <Box key={entry.id ?? entry.announcement_id ?? index} sx={{ borderTop: 1, borderColor: "divider", py: 0.75 }}>
          <SafeHtml html={entry.message} />
          {entry.publish_start && <Typography variant="body2" color="text.secondary" title={dateTime(entry.publish_start)}>{relativeTime(entry.publish_start)}</Typography>}
        </Box>
      ))}
    </Panel>
  );
}

function RecentPanel() {
  const { user } = useSession();
  const { byName } = useMetadata();
  const recent = readRecent(user.profile_id).filter((entry) => byName.has(entry.resource));
  return (
    <Panel title={t("home.recent")}>
      {recent.length === 0 && <Typography color="text.secondary">{t("home.recentEmpty")}</Typography>}
      {recent.map((entry) => (
        <Box key={`${entry.resource}/${entry.id}`} component={Link} to={`/${entry.resource}/${encodeURIComponent(entry.id)}`} sx={rowStyle}>
          <Box sx={{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{entry.title}</Box>
          <Typography variant="body2" color="text.secondary">{byName.get(entry.resource)?.label}</Typography>
        </Box>
      ))}
    </Panel>
  );
}

export function Home() {
  const { user } = useSession();
  const { byName } = useMetadata();
  const incident = byName.get("incident");
  useTitle(undefined);
  const mine = useMemo<Clause[]>(() => [{ field: "assignee", condition: "in", value: [user.profile_id] }, ...openClause(incident)], [user.profile_id, incident]);
  const unassigned = useMemo<Clause[]>(() => [{ field: "assignee", condition: "empty" }, ...openClause(incident)], [incident]);
  const reported = useMemo<Clause[]>(() => openClause(incident), [incident]);
  const solved = useMemo<Clause[]>(() => openClause(incident, false), [incident]);
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 }, maxWidth: 1320 }}>
      <Box sx={{ display: "flex", alignItems: "center", mb: 2, gap: 1 }}>
        <Typography variant="h1" sx={{ flex: 1 }}>{t("home.hello", { name: user.full_name || user.username })}</Typography>
        {incident && abilities(incident).create && <Button component={Link} to="/incident/create" variant="outlined">{t("home.newTicket")}</Button>}
      </Box>
      <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0,1fr)", md: "minmax(0,2fr) minmax(0,1fr)" } }}>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          {incident && user.kind === "requester" ? (
            <>
              <Tickets title={t("home.reported")} empty={t("home.reportedEmpty")} where={reported} />
              <Tickets title={t("home.solved")} empty={t("home.solvedEmpty")} where={solved} />
            </>
          ) : incident ? (
            <>
              <Tickets title={t("home.mine")} empty={t("home.mineEmpty")} where={mine} />
              <Tickets title={t("home.unassigned")} empty={t("home.unassignedEmpty")} where={unassigned} />
            </>
          ) : <Typography color="text.secondary">{t("home.noTickets")}</Typography>}
        </Box>
        <Box sx={{ display: "grid", gap: 2, minWidth: 0 }}>
          <Announcements />
          <RecentPanel />
        </Box>
      </Box>
    </Box>
  );
}
