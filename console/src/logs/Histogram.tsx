import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import { useRef, useState, type PointerEvent } from "react";
import { count, dateTime } from "../common/format";
import { t } from "../i18n";
import type { Histogram as Data } from "./api";
import { tone } from "./model";

const HEIGHT = 72;

/** Lines over time, stacked by what they mean; dragging over it chooses a shorter range. */
export function Histogram({ data, onRange }: { data: Data; onRange: (from: string, to: string) => void }) {
  const { palette } = useTheme();
  const box = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [over, setOver] = useState(-1);
  const bars = data.buckets;
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const colors = { error: palette.error.main, warning: palette.warning.main, plain: palette.primary.main };
  const at = (event: PointerEvent): number => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect || rect.width === 0) return 0;
    return Math.min(bars.length - 1, Math.max(0, Math.floor(((event.clientX - rect.left) / rect.width) * bars.length)));
  };
  const finish = () => {
    if (drag) {
      const [first, last] = [Math.min(...drag), Math.max(...drag)];
      const from = bars[first]?.time;
      const end = bars[last]?.time;
      if (from && end && last > first) onRange(from, new Date(new Date(end).getTime() + data.interval_seconds * 1000).toISOString());
    }
    setDrag(null);
  };
  const shown = bars[over];
  const newest = bars[bars.length - 1]?.time;
  const ends = newest && new Date(new Date(newest).getTime() + data.interval_seconds * 1000).toISOString();
  return (
    <Box sx={{ px: 2, pb: 0.5 }}>
      <Box component="svg" ref={box} role="img" aria-label={t("logs.histogram")} viewBox={`0 0 ${Math.max(1, bars.length)} ${HEIGHT}`} preserveAspectRatio="none" data-testid="histogram"
        sx={{ width: "100%", height: HEIGHT, display: "block", cursor: "crosshair", touchAction: "none", bgcolor: "background.paper", borderRadius: 1 }}
        onPointerDown={(event: PointerEvent<SVGSVGElement>) => { event.currentTarget.setPointerCapture(event.pointerId); const index = at(event); setDrag([index, index]); }}
        onPointerMove={(event: PointerEvent<SVGSVGElement>) => { const index = at(event); setOver(index); setDrag((before) => before && [before[0], index]); }}
        onPointerUp={finish} onPointerLeave={() => setOver(-1)}>
        {drag && <rect x={Math.min(...drag)} width={Math.abs(drag[1] - drag[0]) + 1} y={0} height={HEIGHT} fill={palette.action.selected} />}
        {bars.map((bar, index) => {
          const parts = { error: 0, warning: 0, plain: 0 };
          for (const [severity, lines] of Object.entries(bar.severities)) parts[tone(Number(severity))] += lines;
          let y = HEIGHT;
          return (
            <g key={bar.time} opacity={over === index ? 0.75 : 1}>
              {(["plain", "warning", "error"] as const).map((name) => {
                const height = (parts[name] / most) * (HEIGHT - 4);
                y -= height;
                return height > 0 ? <rect key={name} x={index + 0.08} width={0.84} y={y} height={height} fill={colors[name]} /> : null;
              })}
            </g>
          );
        })}
      </Box>
      <Typography component="div" variant="body2" color="text.secondary" sx={{ minHeight: 18, display: "flex", justifyContent: "space-between", gap: 2 }} noWrap>
        <span>{dateTime(bars[0]?.time)}</span>
        <Box component="span" sx={{ overflow: "hidden", textOverflow: "ellipsis", ...(shown ? {} : { display: { xs: "none", sm: "inline" } }) }}>{shown ? `${dateTime(shown.time)}: ${t("logs.lines", { count: count(shown.count), smart_count: shown.count })}` : t("logs.histogramHint")}</Box>
        <span>{ends && dateTime(ends)}</span>
      </Typography>
    </Box>
  );
}
