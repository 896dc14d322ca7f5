import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { readBranch, type Place } from "./api";

/** One node; what is below it is read when it is opened. */
function Node({ node, depth, at, onPick }: { node: Place; depth: number; at: string; onPick: (oid: string) => void }) {
  const [open, setOpen] = useState(depth < 1 || at.startsWith(`${node.oid}.`));
  const { data } = useQuery({ queryKey: ["mib-tree", node.oid], queryFn: ({ signal }) => readBranch(node.oid, signal), enabled: open && node.children > 0, staleTime: 300_000 });
  return (
    <Box component="li" role="treeitem" aria-expanded={node.children > 0 ? open : undefined} aria-selected={node.oid === at} sx={{ listStyle: "none" }}>
      <Box sx={{ display: "flex", alignItems: "center" }} style={{ paddingLeft: depth * 14 }}>
        <ButtonBase aria-hidden={node.children === 0} tabIndex={node.children === 0 ? -1 : 0} aria-label={node.children > 0 ? node.name : undefined} onClick={() => setOpen(!open)} sx={{ width: 20, height: 22, visibility: node.children ? "visible" : "hidden" }}>{open ? "▾" : "▸"}</ButtonBase>
        <ButtonBase onClick={() => onPick(node.oid)} sx={{ flex: 1, justifyContent: "flex-start", gap: 1, px: 0.5, py: "2px", borderRadius: 0.5, fontFamily: "inherit", fontSize: 13, bgcolor: node.oid === at ? "action.selected" : undefined, "&:hover, &:focus-visible": { bgcolor: "raised" } }}>
          <span>{node.name}</span>
          <Box component="span" sx={{ color: "text.secondary", fontSize: 11 }}>{node.oid.split(".").at(-1)}{node.kind !== "node" && ` · ${node.kind}`}</Box>
        </ButtonBase>
      </Box>
      {open && data && <Box component="ul" role="group" sx={{ m: 0, p: 0 }}>{data.children.map((child) => <Node key={child.oid} node={child} depth={depth + 1} at={at} onPick={onPick} />)}</Box>}
    </Box>
  );
}

export function Tree({ label, at, onPick }: { label: string; at: string; onPick: (oid: string) => void }) {
  const { data } = useQuery({ queryKey: ["mib-tree", "1.3.6.1"], queryFn: ({ signal }) => readBranch("1.3.6.1", signal), staleTime: 300_000 });
  return (
    // A new choice from outside opens the way to it.
    <Box component="ul" role="tree" aria-label={label} sx={{ m: 0, p: 0 }}>
      {(data?.children ?? []).map((node) => <Node key={node.oid} node={node} depth={0} at={at} onPick={onPick} />)}
    </Box>
  );
}
