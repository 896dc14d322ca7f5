import Box from "@mui/material/Box";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { t, type TextKey } from "../i18n";

const GROUPS: { title: TextKey; keys: [string, TextKey][] }[] = [
  {
    title: "shell.keys.anywhere",
    keys: [
      ["/", "shell.keys.search"], ["Ctrl K", "shell.keys.search"], ["c", "shell.keys.create"], ["g h", "shell.keys.goHome"],
      ["g t", "shell.keys.goTickets"], ["g n", "shell.keys.goEvents"], ["g s", "shell.keys.goLogs"], ["g u", "shell.keys.goUsers"], ["g j", "shell.keys.goTasks"], ["g p", "shell.keys.goProfile"], ["?", "shell.keys.help"],
    ],
  },
  {
    title: "shell.keys.onList",
    keys: [["j", "shell.keys.down"], ["k", "shell.keys.up"], ["Enter", "shell.keys.open"], ["x", "shell.keys.select"]],
  },
  {
    title: "shell.keys.onTicket",
    keys: [["r", "shell.keys.reply"], ["n", "shell.keys.note"], ["s", "shell.keys.status"], ["a", "shell.keys.assign"], ["Ctrl Enter", "shell.keys.send"]],
  },
];

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} aria-labelledby="shortcut-title">
      <DialogTitle id="shortcut-title">{t("shell.shortcuts")}</DialogTitle>
      <DialogContent sx={{ display: "grid", gridTemplateColumns: { xs: "1fr", sm: "1fr 1fr" }, gap: 3 }}>
        {GROUPS.map((group) => (
          <Box key={group.title}>
            <Box component="h3" sx={{ m: 0, mb: 0.5, fontSize: 13 }}>{t(group.title)}</Box>
            <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "90px 1fr", rowGap: 0.5, "& dd": { m: 0 }, "& kbd": { fontFamily: "inherit", border: 1, borderColor: "divider", borderRadius: 0.5, px: 0.75, fontSize: 12 } }}>
              {group.keys.map(([key, label]) => (
                <Box key={key} sx={{ display: "contents" }}>
                  <dt><kbd>{key}</kbd></dt>
                  <dd>{t(label)}</dd>
                </Box>
              ))}
            </Box>
          </Box>
        ))}
      </DialogContent>
    </Dialog>
  );
}
