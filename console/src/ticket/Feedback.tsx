import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Rating from "@mui/material/Rating";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { api } from "../api/http";
import { useTask } from "../common/blocks";
import { t } from "../i18n";
import { INCIDENTS } from "./model";

/** The requester's word on how a resolved ticket was solved. */
export function Feedback({ id, rating, onDone }: { id: string; rating: number | null; onDone: () => void }) {
  const { busy, run } = useTask();
  const [stars, setStars] = useState<number | null>(null);
  const [words, setWords] = useState("");
  if (rating) return <Typography color="text.secondary" data-testid="rated" sx={{ mt: 2 }}>{t("ticket.rated", { n: rating })}</Typography>;
  const send = () => run(async () => {
    await api(`${INCIDENTS}feedback/`, { method: "POST", body: { incident_id: id, rating: stars, feedback: words.trim() } });
    onDone();
  });
  return (
    <Paper component="section" variant="outlined" aria-label={t("ticket.rate")} sx={{ p: 1.5, mt: 2, display: "grid", gap: 1, justifyItems: "start" }}>
      <Typography variant="h2">{t("ticket.rate")}</Typography>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1 }}>
        <Rating name="rating" value={stars} onChange={(_, next) => setStars(next)} getLabelText={(n) => t("ticket.stars", { n })} />
        <Typography variant="body2" color="text.secondary">{t("ticket.rateHint")}</Typography>
      </Box>
      <TextField multiline fullWidth minRows={2} label={t("ticket.rateWords")} value={words} onChange={(event) => setWords(event.target.value)} />
      <Button variant="contained" disabled={!stars || busy} onClick={() => void send()}>{t("ticket.rateSend")}</Button>
    </Paper>
  );
}
