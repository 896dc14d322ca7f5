import { t } from "../i18n";
import { CreateShowing } from "../resources/CreateShowing";
import { Token } from "./Token";

/** Adds a collector, and stays to show its token. */
export default function NewCollector() {
  return <CreateShowing show={(made, open) => <Token title={t("collectors.created", { name: made.name })} command={String(made.command)}>{open}</Token>} />;
}
