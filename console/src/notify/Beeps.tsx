import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import { useState } from "react";
import { Link } from "react-router-dom";
import { useLive, type LiveBeep } from "../api/live";
import { t } from "../i18n";

const MOST = 5;

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
      {heard.map((beep) => (
        <Alert key={beep.id} severity="warning" variant="filled" data-testid="beep" onClose={() => setHeard((before) => before.filter((item) => item.id !== beep.id))}>
          <strong>{beep.title}</strong>
          <Box sx={{ overflowWrap: "anywhere" }}>{beep.text}</Box>
          {beep.about && beep.ref_id && <Box component={Link} to={`/${beep.about}/${encodeURIComponent(beep.ref_id)}`} sx={{ color: "inherit" }}>{t("notify.beepOpen")}</Box>}
          {silent && <Box sx={{ fontSize: 12, mt: 0.5 }}>{t("notify.beepSilent")}</Box>}
        </Alert>
      ))}
    </Box>
  );
}
