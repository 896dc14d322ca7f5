import Button from "@mui/material/Button";
import { Link } from "react-router-dom";
import { t } from "../i18n";
import { Code, ShippedPage, type Shipped as View } from "../resources/Shipped";
import { readShipped, type Shipped } from "./api";

/** A shipped rule as the start of a template; the form takes it from the address bar's state. */
export const asTemplate = (rule: Shipped) => ({
  product: `${rule.vendor} ${rule.os === rule.vendor ? "" : rule.os}`.trim(), vendor: rule.vendor, sysobjectid: rule.sysobjectid, sysdescr: rule.sysdescr,
  device_type: rule.device_type, os_type: rule.os, version_expression: rule.version[0] ?? "",
});

const VIEW: View<Shipped> = {
  resource: "device_template",
  read: readShipped,
  head: [t("templates.vendor"), t("templates.os"), t("templates.type"), t("templates.sysobjectid"), t("templates.descr"), ""],
  row: (rule, may) => {
    const name = t("templates.copyName", { name: `${rule.vendor} ${rule.os}` });
    return [rule.vendor, rule.os, rule.device_type, <Code key="number" text={rule.sysobjectid} />, <Code key="descr" text={rule.sysdescr} wrap />,
      // A template of one's own cannot ask for an object: without it, it would fit many more devices.
      may.create && !rule.object && <Button key="copy" size="small" component={Link} to="/device_template/create" state={{ record: asTemplate(rule) }} aria-label={name} title={name}>{t("templates.copy")}</Button>];
  },
  hint: t("templates.shippedHint"),
  search: t("templates.search"),
  noMatchHint: t("templates.noMatchHint"),
  emptyTitle: t("templates.emptyTitle"),
  emptyHint: (count) => (count ? t("templates.emptyHint", { count }) : t("templates.emptyHintPlain")),
};

export default function TemplatesPage() {
  return <ShippedPage view={VIEW} />;
}
