import ArrowDownwardIcon from "@mui/icons-material/ArrowDownward";
import ArrowUpwardIcon from "@mui/icons-material/ArrowUpward";
import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import ButtonBase from "@mui/material/ButtonBase";
import Checkbox from "@mui/material/Checkbox";
import IconButton from "@mui/material/IconButton";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { t } from "../i18n";
import { moved, newStage, summary, type PipelineOptions, type Stage } from "./model";
import { StageForm } from "./StageForm";

let made = 0;

/** Stages in their order: open one to edit it, move it, turn it off, take it away. */
export function StageList({ stages, options, onChange }: { stages: Stage[]; options: PipelineOptions; onChange: (stages: Stage[]) => void }) {
  const [open, setOpen] = useState<number>();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  // A stage has no identity of its own, and what is typed in one must not move to its neighbour.
  const [keys, setKeys] = useState<number[]>(() => stages.map(() => ++made));
  const keyed = stages.map((_, index) => keys[index] ?? -index);
  const change = (next: Stage[], nextKeys: number[], opened: number | undefined) => {
    setKeys(nextKeys);
    setOpen(opened);
    onChange(next);
  };
  const move = (from: number, to: number) => change(moved(stages, from, to), moved(keyed, from, to), open === from ? to : open === to ? from : open);
  return (
    <Box>
      <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none", display: "grid", gap: 1 }}>
        {stages.map((stage, index) => (
          <Box component="li" key={keyed[index]} data-testid="stage" sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
            <Box sx={{ display: "flex", alignItems: "center", gap: 0.5, pr: 0.5 }}>
              <Checkbox size="small" checked={stage.enabled !== false} slotProps={{ input: { "aria-label": `${t("pipeline.on")}: ${stage.type}` } }} onChange={(event) => onChange(stages.map((item, i) => (i === index ? { ...item, enabled: event.target.checked } : item)))} />
              <ButtonBase aria-expanded={open === index} onClick={() => setOpen(open === index ? undefined : index)} sx={{ flex: 1, minWidth: 0, justifyContent: "flex-start", gap: 1, py: 0.75, fontFamily: "inherit", fontSize: 13, opacity: stage.enabled === false ? 0.6 : 1 }}>
                <strong>{index + 1} {stage.type}</strong>
                <Box component="span" sx={{ color: "text.secondary", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>{summary(stage)}</Box>
              </ButtonBase>
              <IconButton size="small" aria-label={t("pipeline.moveUp")} disabled={index === 0} onClick={() => move(index, index - 1)}><ArrowUpwardIcon fontSize="small" /></IconButton>
              <IconButton size="small" aria-label={t("pipeline.moveDown")} disabled={index === stages.length - 1} onClick={() => move(index, index + 1)}><ArrowDownwardIcon fontSize="small" /></IconButton>
              <IconButton size="small" aria-label={t("pipeline.removeStage")} onClick={() => change(stages.filter((_, i) => i !== index), keyed.filter((_, i) => i !== index), undefined)}><CloseIcon fontSize="small" /></IconButton>
            </Box>
            {open === index && (
              <Box sx={{ p: 1.5, pt: 0.5 }}>
                <StageForm stage={stage} kind={options.stages.find((item) => item.type === stage.type)} options={options} onChange={(next) => onChange(stages.map((item, i) => (i === index ? next : item)))} />
              </Box>
            )}
          </Box>
        ))}
      </Box>
      {stages.length === 0 && <Box sx={{ color: "text.secondary", mb: 1 }}>{t("pipeline.noStages")}</Box>}
      <Button sx={{ mt: 1 }} onClick={(event) => setAnchor(event.currentTarget)}>{t("pipeline.addStage")}</Button>
      <Menu anchorEl={anchor} open={!!anchor} onClose={() => setAnchor(null)}>
        {options.stages.map((kind) => (
          <MenuItem key={kind.type} disabled={kind.type === "enrich_geo" && !options.geo}
            onClick={() => { setAnchor(null); change([...stages, newStage(kind)], [...keyed, ++made], stages.length); }}>
            <Box><strong>{kind.type}</strong> <Box component="span" sx={{ color: "text.secondary", fontSize: 12 }}>{kind.description.replaceAll("``", "")}</Box></Box>
          </MenuItem>
        ))}
      </Menu>
    </Box>
  );
}
