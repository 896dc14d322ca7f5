import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/http";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Waiting } from "../app/Messages";
import { Facts, PlainTable } from "../common/blocks";
import { count } from "../common/format";
import { t } from "../i18n";
import { DIRECTIONS, readFrom, type Direction, type Graph } from "./model";
import { RelationGraph } from "./RelationGraph";
import { WhatIf } from "./WhatIf";

const RELATIONS = "/ux/common/cmdb/relation/";

export function useGraph(ci: string, direction: Direction, depth: number) {
  return useQuery({
    queryKey: ["relation-map", ci, direction, depth],
    queryFn: ({ signal }) => api<Graph>(`${RELATIONS}ci-rel-map/`, { method: "POST", body: { ci_id: ci, direction, depth, limit: 2000 }, signal }),
    enabled: !!ci, placeholderData: keepPreviousData, retry: false,
  });
}

/** The map around an item: everything, what fails with it, or what it relies on; and the same as a list. */
export function MapView({ ci, direction, depth, onView, height }: { ci: string; direction: Direction; depth: number; onView: (change: { ci?: string; direction?: Direction; depth?: number }) => void; height: number | string }) {
  const { user } = useSession();
  const { data, error, refetch } = useGraph(ci, direction, depth);
  const [chosen, setChosen] = useState<string>();
  useEffect(() => setChosen(undefined), [ci]);
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const at = chosen ?? ci;
  const node = data.nodes.find((item) => item.id === at);
  const lines = readFrom(data, at);
  return (
    <Box sx={{ display: "grid", gap: 1.5 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <ToggleButtonGroup size="small" exclusive value={direction} aria-label={t("assets.direction")} onChange={(_event, value: Direction | null) => value && onView({ direction: value, depth: value === "both" ? 1 : 5 })} sx={{ height: 33, "& button": { textTransform: "none", px: 1.25 } }}>
          {DIRECTIONS.map((name) => <ToggleButton key={name} value={name}>{t(`assets.directions.${name}`)}</ToggleButton>)}
        </ToggleButtonGroup>
        <TextField select label={t("assets.depth")} value={depth} onChange={(event) => onView({ depth: Number(event.target.value) })} sx={{ width: 84 }}>{[1, 2, 3, 4, 5, 8].map((value) => <MenuItem key={value} value={value}>{value}</MenuItem>)}</TextField>
        <Typography variant="body2" color="text.secondary" data-testid="graph-counts">{t("assets.counts", { nodes: count(data.nodes.length), edges: count(data.edges.length) })}</Typography>
        {userMay(user, "ci_relation", "add") && <Button component={Link} to="/ci_relation/create" sx={{ ml: "auto" }}>{t("assets.addRelation")}</Button>}
      </Box>
      {direction === "impact" && data.edges.length > 0 && <WhatIf ci={ci} />}
      {data.truncated && <Alert severity="warning">{t("assets.truncated")}</Alert>}
      {data.hidden > 0 && <Alert severity="info">{t("assets.hidden", { count: data.hidden })}</Alert>}
      {data.edges.length === 0 ? <Typography color="text.secondary">{t("assets.noRelations")}</Typography> : (
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "minmax(0,1fr)", lg: "minmax(0,1fr) 340px" } }}>
          <RelationGraph graph={data} chosen={chosen} onChoose={setChosen} height={height} />
          <Box sx={{ minWidth: 0, maxHeight: height, overflow: "auto" }}>
            {node && (
              <Box sx={{ mb: 1.5 }}>
                <Typography variant="h2" sx={{ mb: 0.5 }}>{node.name}</Typography>
                <Facts facts={[[t("assets.category"), node.category_name], [t("assets.addresses"), node.ip_address], ["", node.depth > 0 ? t("assets.depthOf", { depth: node.depth }) : ""]]} />
                <Box sx={{ display: "flex", gap: 1, mt: 1 }}>
                  <Button variant="outlined" component={Link} to={`/ci/${node.id}`}>{t("assets.open")}</Button>
                  {node.id !== ci && <Button onClick={() => onView({ ci: node.id })}>{t("assets.center")}</Button>}
                </Box>
              </Box>
            )}
            <PlainTable label={t("assets.relation")} testId="relations" head={[t("assets.relation"), t("assets.other")]}
              rows={lines.slice(0, 300).map((line) => ({ key: line.key, cells: [line.words, <Link key="o" to={`/ci/${line.other.id}`}>{line.other.name}</Link>] }))} />
          </Box>
        </Box>
      )}
    </Box>
  );
}
