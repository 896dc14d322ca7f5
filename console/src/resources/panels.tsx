import type { ComponentType } from "react";
import type { Row } from "../api/types";
import { Enrolment } from "../collectors/Enrolment";
import { Attempts } from "../notify/Attempts";
import { CredentialTest } from "../credentials/CredentialTest";
import { WindowTimes } from "../events/WindowTimes";
import { AgentConfig } from "../logs/AgentConfig";
import { RulePreview } from "../logs/RulePreview";
import { ChannelPanels } from "../notify/Signing";
import { TemplatePreview } from "../notify/TemplatePreview";
import { RuleTester } from "../rules/RuleTester";
import { TemplatePanels } from "../templates/Icons";
import { TriggerPreview } from "../rules/TriggerPreview";
import { MergeMarked } from "../ticket/Merge";

export interface FormPanel {
  /** The record as it is saved; none while it is being created. */
  record: Row | undefined;
  /** The values of the form as they stand, as the API takes them. */
  draft: () => Record<string, unknown>;
}

/** What stands below the form of some resources: trying out what is being set up. */
export const FORM_PANELS: Record<string, ComponentType<FormPanel>> = {
  event_trigger: TriggerPreview,
  event_rule: RuleTester,
  notification_channel: ChannelPanels,
  notification_template: TemplatePreview,
  maintenance: WindowTimes,
  log_rule: RulePreview,
  log_agent_config: AgentConfig,
  notification: Attempts,
  collector: Enrolment,
  credential: CredentialTest,
  device_template: TemplatePanels,
};

export interface BulkAction {
  /** The marked records, as far as they are on the page. */
  rows: Row[];
  /** Reads the list again and takes the marks away. */
  onDone: () => void;
}

/** What can be done with several records of a resource at once, besides changing and deleting them. */
export const BULK_ACTIONS: Record<string, ComponentType<BulkAction>> = {
  incident: MergeMarked,
};
