import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { Link } from "react-router-dom";
import { useLive, type LiveBeep } from "../api/live";
import { t } from "../i18n";

/** So many stand on the screen; the others are counted, and kept until these are closed. */
const SHOWN = 3;
const MOST = 100;
const LINES = { display: "-webkit-box", WebkitBoxOrient: "vertical", WebkitLineClamp: 3, overflow: "hidden", overflowWrap: "anywhere" } as const;

/** The console's beep: a sound, and a line that stays until it was closed, for whoever was away from the screen. */
export function Beeps() {
  const [heard, setHeard] = useState<LiveBeep[]>([]);
  const [silent, setSilent] = useState(false);
  useLive("beep", (beep) => {
    setHeard((before) => [beep, ...before.filter((item) => item.id !== beep.id)].slice(0, MOST));
    // Browsers keep a page quiet until somebody has clicked into it.
    new Audio(beep.url).play().then(() => setSilent(false), () => setSilent(true));
  });
  if (heard.length === 0) return null;
  return (
    <Box role="log" aria-label={t("notify.beeps")} sx={{ position: "fixed", right: 16, bottom: 16, zIndex: "snackbar", display: "grid", gap: 1, width: 380, maxWidth: "calc(100vw - 32px)" }}>
      {heard.length > 1 && (
        <Box sx={{ display: "flex", alignItems: "center", justifyContent: "flex-end", gap: 1 }}>
          {heard.length > SHOWN && <Box data-testid="more-beeps" sx={{ px: 1, py: 0.5, borderRadius: 1, bgcolor: "background.paper", border: 1, borderColor: "divider" }}>{t("notify.moreBeeps", { count: heard.length - SHOWN })}</Box>}
          <Button size="small" variant="outlined" sx={{ bgcolor: "background.paper" }} onClick={() => setHeard([])}>{t("notify.closeBeeps")}</Button>
        </Box>
      )}
      {heard.slice(0, SHOWN).map((beep) => (
        <Alert key={beep.id} severity="warning" variant="filled" data-testid="beep" onClose={() => setHeard((before) => before.filter((item) => item.id !== beep.id))}>
          <Box sx={{ ...LINES, fontWeight: 600 }} title={beep.title}>{beep.title}</Box>
          {beep.text !== beep.title && <Box sx={LINES} title={beep.text}>{beep.text}</Box>}
          {beep.about && beep.ref_id && <Box component={Link} to={`/${beep.about}/${encodeURIComponent(beep.ref_id)}`} sx={{ color: "inherit" }}>{t("notify.beepOpen")}</Box>}
          {silent && <Box sx={{ fontSize: 12, mt: 0.5 }}>{t("notify.beepSilent")}</Box>}
        </Alert>
      ))}
    </Box>
  );
}
