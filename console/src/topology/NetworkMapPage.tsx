import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router-dom";
import { api } from "../api/http";
import { useMetadata } from "../api/metadata";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Waiting } from "../app/Messages";
import { Facts, Page, PlainTable } from "../common/blocks";
import { count } from "../common/format";
import { useDebounced, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ReferencePicker } from "../resources/ReferencePicker";
import { matches, rate, STATES, stateOf, type MapLink, type MapNode, type NetworkMap } from "./model";
import { useIcons } from "../templates/ItemIcons";
import { NetworkGraph, STATE_COLORS } from "./NetworkGraph";

const HEIGHT = "calc(100dvh - 230px)";
const REFRESH_MS = 15_000;

const many = (words: "topology.nodeCount" | "topology.linkCount", number: number) => t(words, { count: count(number), smart_count: number });

export default function NetworkMapPage() {
  useTitle(t("topology.title"));
  const { byName } = useMetadata();
  const { user } = useSession();
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const [chosen, setChosen] = useState<string>();
  const [text, setText] = useState("");
  const words = useDebounced(text.trim(), 150);
  const ci = params.get("ci") ?? "", location = params.get("location") ?? "", group = params.get("group") ?? "";
  const depth = Math.min(20, Math.max(1, Number(params.get("depth")) || 2));
  const unknown = params.get("unknown") !== "0", missing = params.get("missing") === "1";
  const put = (change: Record<string, string>) => setParams((before) => {
    for (const [name, value] of Object.entries(change)) if (value) before.set(name, value); else before.delete(name);
    return before;
  }, { replace: true });
  const asked = new URLSearchParams({ ...(ci ? { ci_id: ci, depth: String(depth) } : {}), ...(location ? { location } : {}), ...(group ? { group } : {}), ...(missing ? { missing: "true" } : {}) }).toString();
  const { data, error, refetch } = useQuery({
    queryKey: ["topology", asked],
    queryFn: ({ signal }) => api<NetworkMap>(`/api/topology/${asked ? `?${asked}` : ""}`, { signal }),
    placeholderData: keepPreviousData, refetchInterval: REFRESH_MS, retry: false,
  });
  const map = useMemo((): NetworkMap | undefined => data && (unknown ? data : {
    ...data, nodes: data.nodes.filter((node) => node.kind === "item"), links: data.links.filter((link) => !link.target.startsWith("unknown:")),
  }), [data, unknown]);
  const found = useMemo(() => (words && map ? new Set(map.nodes.filter((node) => matches(node, words)).map((node) => node.id)) : undefined), [map, words]);
  const items = useMemo(() => (map?.nodes ?? []).filter((node) => node.kind === "item").map((node) => node.id).sort(), [map]);
  const icons = useIcons(items);
  const picker = (name: string, label: string, value: string, key: string) => {
    const meta = byName.get(name);
    return meta ? <Box sx={{ width: 190 }}><ReferencePicker label={label} target={meta} value={value || null} onChange={(picked) => put({ [key]: picked === null ? "" : String(picked) })} /></Box> : null;
  };
  const narrowed = !!(ci || location || group);
  return (
    <Page title={t("topology.title")}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1.5 }}>
        {picker("location", t("topology.location"), location, "location")}
        {picker("device_group", t("topology.group"), group, "group")}
        {picker("ci", t("topology.around"), ci, "ci")}
        {ci && <TextField select label={t("topology.depth")} value={depth} onChange={(event) => put({ depth: event.target.value })} sx={{ width: 80 }}>{[1, 2, 3, 4, 5, 8].map((value) => <MenuItem key={value} value={value}>{value}</MenuItem>)}</TextField>}
        <TextField type="search" label={t("topology.search")} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={(event) => { if (event.key === "Enter" && found) setChosen([...found][0]); }} sx={{ width: 190 }} />
        <FormControlLabel control={<Checkbox checked={unknown} onChange={(event) => put({ unknown: event.target.checked ? "" : "0" })} />} label={t("topology.unknownToo")} />
        <FormControlLabel control={<Checkbox checked={missing} onChange={(event) => put({ missing: event.target.checked ? "1" : "" })} />} label={t("topology.missingToo")} />
        {map && <Typography variant="body2" color="text.secondary" data-testid="network-counts">{found ? t("topology.found", { count: count(found.size) }) : [many("topology.nodeCount", map.nodes.filter((node) => node.kind === "item").length), many("topology.linkCount", map.links.length)].join(", ")}</Typography>}
      </Box>
      {error ? <Failure error={error} onRetry={() => void refetch()} /> : !map ? <Waiting /> : map.nodes.length === 0 ? (
        <Box sx={{ py: 6, textAlign: "center" }}>
          <Typography variant="h2" sx={{ mb: 1 }}>{t(narrowed ? "topology.emptyPart" : "topology.empty")}</Typography>
          {!narrowed && <Typography color="text.secondary" sx={{ mb: 2 }}>{t("topology.emptyHint")}</Typography>}
          {!narrowed && userMay(user, "discovery", "add") && <Button variant="contained" component={Link} to="/discovery/create">{t("topology.discover")}</Button>}
        </Box>
      ) : (
        <>
          {map.truncated && <Alert severity="warning" sx={{ mb: 1 }}>{t("topology.truncated")}</Alert>}
          {map.hidden > 0 && <Alert severity="info" sx={{ mb: 1 }}>{t("topology.hidden", { count: map.hidden })}</Alert>}
          <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,1fr) 360px" } }}>
            <Box sx={{ minWidth: 0 }}>
              <NetworkGraph map={map} icons={icons} root={ci} chosen={chosen} found={found} onChoose={setChosen} onOpen={(id) => { if (!id.startsWith("unknown:")) navigate(`/ci/${id}`); }} height={HEIGHT} />
              <Legend />
            </Box>
            <Box sx={{ minWidth: 0, maxHeight: HEIGHT, overflow: "auto" }} data-testid="network-details">
              <Chosen map={map} chosen={chosen} onChoose={setChosen} onCenter={(id) => put({ ci: id })} />
            </Box>
          </Box>
        </>
      )}
    </Page>
  );
}

function Legend() {
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, mt: 1 }}>
      {STATES.map((state) => (
        <Box key={state} sx={{ display: "flex", gap: 0.75, alignItems: "center", fontSize: 12, color: "text.secondary" }}>
          <Box aria-hidden sx={{ width: 11, height: 11, borderRadius: state === "down" ? 0 : "50%", transform: state === "down" ? "rotate(45deg)" : undefined, bgcolor: STATE_COLORS[state] }} />{t(`topology.states.${state}`)}
        </Box>
      ))}
    </Box>
  );
}

const details = (link: MapLink) => [rate(link.speed), link.use === null ? "" : t("topology.use", { use: link.use }), link.members.length > 0 ? t("topology.members", { count: link.members.length }) : "", link.missing_since ? t("topology.missing") : "", link.protocols.join(", ").toUpperCase()].filter(Boolean).join(", ");

/** The chosen device with its links, or the chosen link with its members; the same as the map tells, as text. */
function Chosen({ map, chosen, onChoose, onCenter }: { map: NetworkMap; chosen: string | undefined; onChoose: (id: string) => void; onCenter: (id: string) => void }) {
  const nodes = useMemo(() => new Map(map.nodes.map((node) => [node.id, node])), [map]);
  const node = chosen ? nodes.get(chosen) : undefined;
  const link = chosen?.startsWith("link:") ? map.links.find((one) => `link:${one.id}` === chosen) : undefined;
  const name = (one: MapNode | undefined) => one?.name || one?.note || "";
  if (link) return (
    <>
      <Typography variant="h2" sx={{ mb: 0.5 }}>{t("topology.link")}</Typography>
      <Typography variant="body2" color="text.secondary" sx={{ mb: 1 }}>{details(link)}</Typography>
      <PlainTable label={t("topology.link")} head={[name(nodes.get(link.source)), name(nodes.get(link.target))]}
        rows={[[link.source_port, link.target_port], ...link.members].map(([near, far], index) => ({ key: `${index}`, cells: [near ?? "", far ?? ""] }))} />
    </>
  );
  if (!node) return <Typography color="text.secondary">{t("topology.choose")}</Typography>;
  const own = map.links.filter((one) => one.source === node.id || one.target === node.id);
  return (
    <>
      <Typography variant="h2" sx={{ mb: 0.5 }}>{name(node)}</Typography>
      {node.kind === "item"
        ? <Facts facts={[[t("topology.state"), t(`topology.states.${stateOf(node)}`)], [t("topology.category"), node.category], [t("topology.address"), node.address], [t("topology.model"), [node.manufacturer, node.model].filter(Boolean).join(" ")], [t("topology.events"), node.events ? String(node.events) : ""]]} />
        : <Facts facts={[["", t(`topology.kinds.${node.kind}`)], [t("topology.address"), node.address], [t("topology.about"), node.note]]} />}
      {node.kind === "item" && (
        <Box sx={{ display: "flex", gap: 1, my: 1 }}>
          <Button variant="outlined" component={Link} to={`/ci/${node.id}`}>{t("topology.open")}</Button>
          <Button onClick={() => onCenter(node.id)}>{t("topology.center")}</Button>
        </Box>
      )}
      <PlainTable label={t("topology.links")} testId="network-links" head={[t("topology.port"), t("topology.other"), t("topology.otherPort"), t("topology.details")]}
        rows={own.map((one) => {
          const near = one.source === node.id;
          const other = near ? one.target : one.source;
          return { key: one.id, onClick: () => onChoose(other), cells: [near ? one.source_port : one.target_port, name(nodes.get(other)), near ? one.target_port : one.source_port, details(one)] };
        })} />
    </>
  );
}
