import Avatar from "@mui/material/Avatar";
import { initials } from "./format";

/** A person's picture, or the initials of who has none. */
export function PersonAvatar({ name, picture, size = 30, quiet }: { name: string; picture?: string | null; size?: number; quiet?: boolean }) {
  return (
    <Avatar aria-hidden src={picture || undefined} slotProps={{ img: { alt: "" } }}
      sx={{ width: size, height: size, fontSize: Math.max(12, size / 2.6), ...(picture ? {} : { bgcolor: quiet ? "raised" : "primary.main", color: quiet ? "text.primary" : "primary.contrastText" }) }}>
      {initials(name)}
    </Avatar>
  );
}
