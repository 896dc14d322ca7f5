import DeleteOutline from "@mui/icons-material/DeleteOutline";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNotify } from "react-admin";
import { verbUrl } from "../api/dataProvider";
import { toUpload } from "../api/files";
import { api, messageOf } from "../api/http";
import { allows } from "../api/permissions";
import type { AttachmentInfo, ResourceMeta } from "../api/types";
import { Failure, Waiting } from "../app/Messages";
import { DropZone } from "../common/DropZone";
import { fileSize, relativeTime } from "../common/format";
import { t } from "../i18n";

export function Attachments({ meta, id }: { meta: ResourceMeta; id: string }) {
  const url = verbUrl(meta, "attachments", id);
  const notify = useNotify();
  const mayEdit = allows(meta, "edit") || allows(meta, "add");
  const { data, error, refetch } = useQuery({ queryKey: ["attachments", meta.name, id], queryFn: ({ signal }) => api<{ results: AttachmentInfo[] }>(url, { signal }) });
  const onError = (cause: unknown) => notify(messageOf(cause), { type: "error" });
  const add = useMutation({
    mutationFn: async (files: File[]) => {
      for (const file of files) await api(url, { method: "POST", body: await toUpload(file) });
    },
    onSuccess: () => notify(t("resources.attached"), { type: "success" }),
    onError,
    onSettled: () => refetch(),
  });
  const remove = useMutation({
    mutationFn: (attachment: AttachmentInfo) => api(`${url}${encodeURIComponent(attachment.id)}/`, { method: "DELETE" }),
    onError,
    onSettled: () => refetch(),
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <DropZone disabled={!mayEdit} onFiles={(files) => add.mutate(files)}>
      {(choose) => (
        <Box sx={{ display: "grid", gap: 1 }}>
          {data.results.length === 0 && <Typography color="text.secondary">{t("resources.noAttachments")}</Typography>}
          {data.results.map((file) => (
            <Box key={file.id} sx={{ display: "flex", gap: 1, alignItems: "center", borderBottom: 1, borderColor: "divider", py: 0.5 }}>
              <Link href={file.url} target="_blank" rel="noopener">{file.name}</Link>
              <Typography variant="body2" color="text.secondary" sx={{ flex: 1 }}>{[fileSize(file.size), file.created_by_name, relativeTime(file.creation_time)].filter(Boolean).join(" · ")}</Typography>
              {mayEdit && <IconButton aria-label={t("resources.deleteFile", { name: file.name })} onClick={() => remove.mutate(file)}><DeleteOutline fontSize="small" /></IconButton>}
            </Box>
          ))}
          {mayEdit && (
            <Box sx={{ display: "flex", gap: 1.5, alignItems: "center", mt: 1 }}>
              <Button variant="outlined" onClick={choose} disabled={add.isPending}>{t("resources.chooseFiles")}</Button>
              <Typography color="text.secondary">{t("resources.dropFiles")}</Typography>
            </Box>
          )}
        </Box>
      )}
    </DropZone>
  );
}
