import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Button from "@mui/material/Button";
import ButtonBase from "@mui/material/ButtonBase";
import MenuItem from "@mui/material/MenuItem";
import Menu from "@mui/material/Menu";
import MuiLink from "@mui/material/Link";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNotify } from "react-admin";
import { Link, useSearchParams } from "react-router-dom";
import { messageOf } from "../api/http";
import { useMetadata, useResourceMeta } from "../api/metadata";
import { allows, userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Facts, PlainTable, Section, useTask } from "../common/blocks";
import { DialogFrame } from "../common/dialogs";
import { useDebounced, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { SearchBox } from "../resources/SearchBox";
import { makeRule, readModules, readNotifications, readObject, searchObjects, type Place } from "./api";
import { RunPanel } from "./RunPanel";
import { Tree } from "./Tree";
import { Upload } from "./Upload";

/** From a notification to an event in two clicks: the button, then the severity. */
export function MakeRule({ notification }: { notification: string }) {
  const { byName } = useMetadata();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const notify = useNotify();
  const { busy, run } = useTask();
  const severities = byName.get("trap_configuration")?.fields.find((field) => field.name === "severity")?.choices ?? [];
  const make = (severity: number) => run(async () => {
    setAnchor(null);
    const made = await makeRule(notification, severity);
    notify(<span>{t("mibs.ruleMade")} <Link to={`/trap_configuration/${made.id}`}>{made.data.name}</Link></span>, { type: "success", autoHideDuration: 10_000 });
  });
  return (
    <>
      <Button variant="outlined" disabled={busy} onClick={(event) => setAnchor(event.currentTarget)}>{t("mibs.makeRule")}</Button>
      <Menu anchorEl={anchor} open={!!anchor} onClose={() => setAnchor(null)}>
        {severities.map((choice) => <MenuItem key={choice.id} onClick={() => void make(Number(choice.id))}>{choice.name}</MenuItem>)}
      </Menu>
    </>
  );
}

function Places({ label, places, onPick, empty }: { label: string; places: Place[] | undefined; onPick: (oid: string) => void; empty: string }) {
  if (!places) return null;
  if (places.length === 0) return <Typography color="text.secondary">{empty}</Typography>;
  return (
    <Box component="ul" aria-label={label} sx={{ m: 0, p: 0, listStyle: "none" }}>
      {places.map((item) => (
        <li key={item.oid}>
          <ButtonBase onClick={() => onPick(item.oid)} sx={{ width: "100%", justifyContent: "flex-start", gap: 1, px: 0.5, py: "3px", fontSize: 13, fontFamily: "inherit", borderRadius: 0.5, "&:hover, &:focus-visible": { bgcolor: "raised" } }}>
            <span>{item.name}</span><Box component="span" sx={{ color: "text.secondary", fontSize: 11, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{item.module}{item.kind !== "notification" && ` · ${item.kind}`}</Box>
          </ButtonBase>
        </li>
      ))}
    </Box>
  );
}

function Detail({ oid, onPick }: { oid: string; onPick: (oid: string) => void }) {
  const meta = useResourceMeta("mib");
  const { user } = useSession();
  const { data, error } = useQuery({ queryKey: ["mib-object", oid], queryFn: ({ signal }) => readObject(oid, signal), retry: false });
  if (error) return <Typography color="text.secondary">{messageOf(error)}</Typography>;
  if (!data) return null;
  const link = (item: Place) => <MuiLink key={item.oid || item.name} component="button" type="button" onClick={() => onPick(item.oid || item.name)} sx={{ mr: 1 }}>{item.name}</MuiLink>;
  return (
    <Box sx={{ display: "grid", gap: 2 }} data-testid="mib-object">
      <Breadcrumbs sx={{ fontSize: 12 }}>{data.path.map((item) => <MuiLink key={item.oid} component="button" type="button" onClick={() => onPick(item.oid)} sx={{ fontSize: 12 }}>{item.name}</MuiLink>)}</Breadcrumbs>
      <Section title={data.name} actions={data.kind === "notification" && userMay(user, "trap_configuration", "add") && <MakeRule notification={data.oid} />}>
        <Facts facts={[
          [t("mibs.oid"), <code key="oid">{data.oid}</code>], [t("mibs.module"), data.module], [t("mibs.kind"), data.kind],
          [t("mibs.syntax"), [data.syntax, data.base_type !== data.syntax ? data.base_type : ""].filter(Boolean).join(" · ")], [t("mibs.range"), data.range], [t("mibs.hint"), data.display_hint],
          [t("mibs.access"), data.access], [t("mibs.status"), data.status], [t("mibs.units"), data.units],
          [t("mibs.indexes"), data.indexes.length > 0 && data.indexes.map(link)],
          [t("mibs.variables"), data.objects.length > 0 && data.objects.map(link)],
          [t("mibs.values"), data.enumerations.map((item) => `${item.label} (${item.value})`).join(", ")],
        ].filter((fact): fact is [string, string] => fact[1] !== false)} />
        {data.description && <Typography sx={{ mt: 1.5, whiteSpace: "pre-wrap", maxWidth: 720 }}>{data.description.replace(/^[ \t]+/gm, "")}</Typography>}
      </Section>
      {data.kind !== "notification" && allows(meta, "execute") && <Section title={t("mibs.ask")}><RunPanel key={oid} oid={oid} kind={data.kind} name={data.name} writable={/write|create/.test(data.access)} /></Section>}
    </Box>
  );
}

export default function MibExplorer() {
  useTitle(t("mibs.title"));
  const meta = useResourceMeta("mib");
  const [params, setParams] = useSearchParams();
  const tab = params.get("tab") ?? "tree";
  const oid = params.get("oid") ?? "";
  const [search, setSearch] = useState("");
  const [uploading, setUploading] = useState(params.get("upload") === "1");
  const asked = useDebounced(search.trim(), 250);
  const pick = (next: string) => setParams((before) => { before.set("oid", next); return before; });
  const hits = useQuery({ queryKey: ["mib-search", asked], queryFn: ({ signal }) => searchObjects(asked, signal), enabled: asked.length >= 2 && tab === "tree", retry: false });
  const notices = useQuery({ queryKey: ["mib-notifications", asked], queryFn: ({ signal }) => readNotifications(asked, signal), enabled: tab === "notifications" });
  const modules = useQuery({ queryKey: ["mib-modules"], queryFn: ({ signal }) => readModules(signal) });
  return (
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: 2, py: 1 }}>
        <Typography variant="h1">{t("mibs.title")}</Typography>
        <SearchBox label={t("mibs.search")} value={search} onChange={setSearch} />
        <Typography variant="body2" color="text.secondary" sx={{ mr: "auto" }}>{modules.data && t("mibs.loadedModules", { count: modules.data.count })}</Typography>
        <Button component={Link} to="/mib">{t("mibs.manage")}</Button>
        {allows(meta, "add") && <Button variant="contained" onClick={() => setUploading(true)}>{t("mibs.upload")}</Button>}
      </Box>
      <Box sx={{ display: "grid", flex: 1, minHeight: 0, gridTemplateColumns: { xs: "minmax(0,1fr)", md: "minmax(280px, 2fr) minmax(0, 5fr)" }, borderTop: 1, borderColor: "divider" }}>
        <Box sx={{ display: "flex", flexDirection: "column", minHeight: 0, borderRight: 1, borderColor: "divider" }}>
          <Tabs value={tab} onChange={(_, next: string) => setParams((before) => { before.set("tab", next); return before; })} sx={{ px: 1, minHeight: 38 }}>
            <Tab value="tree" label={t("mibs.tree")} /><Tab value="notifications" label={t("mibs.notifications")} /><Tab value="modules" label={t("mibs.modules")} />
          </Tabs>
          <Box sx={{ flex: 1, minHeight: 0, overflow: "auto", p: 1 }}>
            {tab === "tree" && (asked.length >= 2
              ? <Places label={t("mibs.search")} places={hits.data?.results} onPick={pick} empty={t("mibs.noHit")} />
              : <Tree key={oid ? "placed" : "root"} label={t("mibs.tree")} at={oid} onPick={pick} />)}
            {tab === "notifications" && <Places label={t("mibs.notifications")} places={notices.data?.results} onPick={pick} empty={t("mibs.noNotifications")} />}
            {tab === "modules" && modules.data && (
              <PlainTable label={t("mibs.modules")} head={[t("mibs.module"), `#${t("mibs.objects")}`, `#${t("mibs.notifications")}`]}
                rows={modules.data.results.map((item) => ({ key: item.mib_name, cells: [item.mib_id ? <Link key="l" to={`/mib/${item.mib_id}`}>{item.mib_name}</Link> : <span key="n">{item.mib_name} <Box component="span" sx={{ color: "text.secondary", fontSize: 11 }}>{t("mibs.builtIn")}</Box></span>, item.object_count, item.notification_count] }))} />
            )}
          </Box>
        </Box>
        <Box sx={{ overflow: "auto", p: 2 }}>{oid ? <Detail oid={oid} onPick={pick} /> : <Typography color="text.secondary">{t("mibs.pick")}</Typography>}</Box>
      </Box>
      {uploading && <DialogFrame wide title={t("mibs.upload")} onClose={() => setUploading(false)}><Upload /></DialogFrame>}
    </Box>
  );
}
