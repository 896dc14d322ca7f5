import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { SeverityMark } from "../events/SeverityMark";
import { t } from "../i18n";
import { Code, ShippedPage, type Shipped } from "../resources/Shipped";

interface ShippedRule {
  name: string;
  event_class: string;
  severity: number;
  severity_name: string;
  vendors: string[];
  patterns: string[];
  samples: string[];
}

const VIEW: Shipped<ShippedRule> = {
  resource: "event_rule",
  read: (search, page, size, signal) => api<ListEnvelope<ShippedRule>>(`/ux/common/events/rules/library/${query({ search, page, items_per_page: size })}`, { signal }),
  head: [t("rules.severity"), t("rules.meansEvent"), t("rules.ofVendors"), t("rules.pattern"), t("rules.sample")],
  row: (rule) => [
    <SeverityMark key="severity" severity={rule.severity} name={rule.severity_name} />, rule.event_class, rule.vendors.map((vendor) => vendor.replace(/\.\*/g, "")).join(", ") || t("rules.anyVendor"),
    rule.patterns.map((pattern, index) => <div key={index}><Code text={pattern} wrap /></div>), <Code key="sample" text={rule.samples[0] ?? ""} wrap />,
  ],
  hint: t("rules.shippedHint"),
  search: t("rules.searchShipped"),
  noMatchHint: t("rules.noMatchHint"),
  emptyTitle: t("rules.emptyTitle"),
  emptyHint: (count) => (count ? t("rules.emptyHint", { count }) : t("rules.emptyHintPlain")),
};

export default function RulesPage() {
  return <ShippedPage view={VIEW} />;
}
