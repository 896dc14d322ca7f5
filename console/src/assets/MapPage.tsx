import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import Typography from "@mui/material/Typography";
import { useGetList, type RaRecord } from "react-admin";
import { Link } from "react-router-dom";
import { useResourceMeta } from "../api/metadata";
import { Page } from "../common/blocks";
import { useAddress, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { ReferencePicker } from "../resources/ReferencePicker";
import { MapView } from "./MapView";
import { DIRECTIONS } from "./model";

const FIRST = { pagination: { page: 1, perPage: 24 }, sort: { field: "criticality", order: "ASC" as const } };

/** Before one is chosen: what matters most, to begin at. */
function Start() {
  const { data } = useGetList<RaRecord & { name: string }>("ci", FIRST);
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      <Typography color="text.secondary">{t("assets.mapHint")}</Typography>
      {data && data.length > 0 && (
        <Box data-testid="map-start" sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
          {data.map((item) => <Chip key={item.id} label={item.name} variant="outlined" clickable component={Link} to={`?ci=${item.id}`} />)}
        </Box>
      )}
    </Box>
  );
}

export default function MapPage() {
  useTitle(t("assets.map"));
  const meta = useResourceMeta("ci");
  const [params, put] = useAddress(false);
  const ci = params.get("ci") ?? "";
  const direction = DIRECTIONS.find((name) => name === params.get("direction")) ?? "both";
  const depth = Math.min(20, Math.max(1, Number(params.get("depth")) || (direction === "both" ? 1 : 5)));
  return (
    <Page title={t("assets.map")} actions={<Box sx={{ width: 320 }}><ReferencePicker label={t("assets.item")} target={meta} value={ci || null} onChange={(value) => value !== null && put({ ci: String(value) })} /></Box>}>
      {ci ? <MapView ci={ci} direction={direction} depth={depth} onView={({ depth, ...change }) => put(depth ? { ...change, depth: String(depth) } : change)} height="calc(100dvh - 190px)" /> : <Start />}
    </Page>
  );
}
