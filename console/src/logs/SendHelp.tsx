import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { api } from "../api/http";
import { PlainTable, preStyle } from "../common/blocks";
import { t } from "../i18n";
import { doorName, example, type Door } from "./intakeModel";

/** The addresses that lines can be sent to, with a command to try each. */
export function SendHelp() {
  const notify = useNotify();
  const { data } = useQuery({ queryKey: ["logs", "doors"], queryFn: ({ signal }) => api<{ results: Door[] }>("/ux/logmanagement/log_integration/_url/", { signal }), retry: false });
  if (!data) return null;
  const doors = data.results.filter((door) => door.enabled);
  const commands = doors.map(example).filter((text) => text !== "");
  const copy = (text: string) => void navigator.clipboard.writeText(text).then(() => notify(t("common.copied")), () => undefined);
  return (
    <Box sx={{ display: "grid", gap: 1.5, textAlign: "left" }}>
      <PlainTable label={t("intake.send")} head={[t("intake.listener"), t("intake.address"), ""]}
        rows={doors.map((door) => ({ key: `${door.kind}${door.protocol}`, cells: [doorName(door), <code key="url">{door.url}</code>, door.help] }))} />
      {commands.length > 0 && <Typography variant="body2" color="text.secondary">{t("intake.tryIt")}</Typography>}
      {commands.map((text) => (
        <Box key={text} sx={{ display: "flex", gap: 1, alignItems: "center" }}>
          <Box component="pre" sx={{ ...preStyle, flex: 1 }}>{text}</Box>
          <Button onClick={() => copy(text)}>{t("intake.copy")}</Button>
        </Box>
      ))}
      <Box><Button component={Link} to="/log_agent_config" variant="outlined">{t("intake.agents")}</Button></Box>
    </Box>
  );
}
