import Box from "@mui/material/Box";
import Tooltip from "@mui/material/Tooltip";
import { useQuery } from "@tanstack/react-query";
import { api, query } from "../api/http";
import { useMetadata } from "../api/metadata";
import { t } from "../i18n";

const ICONS = "/ux/ims/device-template/icons/";
export const KINDS = ["device", "vendor", "os"] as const;
/** As many items as an address may name at once. */
const AT_ONCE = 200;

export interface Icons {
  device_icon: string;
  vendor_icon: string;
  os_icon: string;
}

async function readIcons(ids: string[], signal: AbortSignal): Promise<Record<string, Icons>> {
  const chunks = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, at) => ids.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
  const found = await Promise.all(chunks.map((chunk) => api<{ results: Record<string, Icons> }>(`${ICONS}${query({ ci_id: chunk.join(",") })}`, { signal })));
  return Object.assign({}, ...found.map((one) => one.results)) as Record<string, Icons>;
}

/** The icons of items, by item; none for those who may not see templates. */
export function useIcons(ids: string[]): Record<string, Icons> {
  const { byName } = useMetadata();
  const may = byName.get("device_template")?.privileges.includes("view") ?? false;
  const { data } = useQuery({ queryKey: ["device-icons", ids.join()], queryFn: ({ signal }) => readIcons(ids, signal), enabled: may && ids.length > 0, staleTime: 5 * 60_000, retry: false });
  return data ?? {};
}

/** The icons of one item: of the device, its maker and its system. */
export function ItemIcons({ id }: { id: string }) {
  const icons = useIcons([id])[id];
  if (!icons) return null;
  const shown = KINDS.map((kind) => ({ kind, url: icons[`${kind}_icon`] })).filter((one) => one.url);
  return (
    <Box data-testid="item-icons" sx={{ display: "flex", gap: 0.5 }}>
      {shown.map(({ kind, url }) => <Tooltip key={kind} title={t(`templates.icon.${kind}`)}><img src={url} alt={t(`templates.icon.${kind}`)} width={24} height={24} style={{ objectFit: "contain" }} /></Tooltip>)}
    </Box>
  );
}
