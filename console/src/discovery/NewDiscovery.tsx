import { allows } from "../api/permissions";
import { t } from "../i18n";
import CreatePage from "../resources/CreatePage";
import { startRun } from "./api";
import { DiscoveryForm } from "./DiscoveryForm";

export default function NewDiscovery() {
  return (
    <CreatePage layout={DiscoveryForm} created={t("discovery.created")}
      andThen={(meta) => (allows(meta, "execute") ? { label: t("discovery.createAndRun"), begin: ({ path }, id) => startRun(path, id) } : undefined)} />
  );
}
