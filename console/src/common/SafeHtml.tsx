import Box from "@mui/material/Box";
import { useMemo } from "react";
import { cleanHtml } from "./clean";

/** HTML from the server, which cleaned it on the way in; it is cleaned again because it may be older than the rules. */
export function SafeHtml({ html }: { html: string }) {
  const safe = useMemo(() => cleanHtml(html), [html]);
  return (
    <Box className="rich" sx={{ overflowWrap: "anywhere", "& > :first-of-type": { mt: 0 }, "& > :last-child": { mb: 0 }, "& p": { my: 0.75 }, "& img": { maxWidth: "100%", height: "auto" },
      "& blockquote": { m: 0, my: 1, pl: 1.5, borderLeft: 3, borderColor: "divider", color: "text.secondary" }, "& pre": { bgcolor: "raised", p: 1, borderRadius: 1, overflowX: "auto" }, "& ul, & ol": { pl: 3, my: 0.75 } }}
      dangerouslySetInnerHTML={{ __html: safe }} />
  );
}
