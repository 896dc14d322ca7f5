import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router-dom";
import { api } from "../api/http";
import { Failure, Waiting } from "../app/Messages";
import { Section } from "../common/blocks";
import { count } from "../common/format";
import { t } from "../i18n";
import type { GraphNode } from "./model";

interface Affected { lost: GraphNode[]; degraded: GraphNode[]; truncated: boolean }

const SHOWN = 100;

function Named({ title, nodes }: { title: string; nodes: GraphNode[] }) {
  return (
    <Box sx={{ mb: 1 }}>
      <Typography fontWeight={600}>{`${title}: ${count(nodes.length)}`}</Typography>
      <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 1.5 }}>
        {nodes.slice(0, SHOWN).map((node) => <Link key={node.id} to={`/ci/${node.id}`}>{node.name}</Link>)}
        {nodes.length > SHOWN && <Typography color="text.secondary">{t("assets.andMore", { count: count(nodes.length - SHOWN) })}</Typography>}
      </Box>
    </Box>
  );
}

/** What would be without a path if the item failed, and what would keep another. Asked for, because it looks at every path. */
export function WhatIf({ ci }: { ci: string }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => setAsked(false), [ci]);
  const { data, error, refetch } = useQuery({
    queryKey: ["what-if", ci], enabled: asked, retry: false,
    queryFn: ({ signal }) => api<Affected>("/ux/common/cmdb/relation/what-if/", { method: "POST", body: { ci_ids: [ci] }, signal }),
  });
  if (!asked) return <Button onClick={() => setAsked(true)} sx={{ justifySelf: "start" }}>{t("assets.whatIf")}</Button>;
  return (
    <Section title={t("assets.whatIf")} testId="what-if">
      {error ? <Failure error={error} onRetry={() => void refetch()} /> : !data ? <Waiting /> : (
        <>
          {data.truncated && <Typography color="warning.main">{t("assets.truncated")}</Typography>}
          {data.lost.length + data.degraded.length === 0 && <Typography color="text.secondary">{t("assets.nothingLost")}</Typography>}
          {data.lost.length > 0 && <Named title={t("assets.lost")} nodes={data.lost} />}
          {data.degraded.length > 0 && <Named title={t("assets.degraded")} nodes={data.degraded} />}
        </>
      )}
    </Section>
  );
}
