import EditOutlined from "@mui/icons-material/EditOutlined";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Breadcrumbs from "@mui/material/Breadcrumbs";
import Chip from "@mui/material/Chip";
import IconButton from "@mui/material/IconButton";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router-dom";
import { ApiError } from "../api/http";
import { isOwn, useLive } from "../api/live";
import { useResourceMeta } from "../api/metadata";
import { allows, userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Forbidden, NotFound, Waiting } from "../app/Messages";
import { useShortcuts } from "../app/shortcuts";
import { useTitle } from "../common/hooks";
import { rememberRecent } from "../common/recent";
import { t } from "../i18n";
import { ChoiceMark } from "../resources/FieldValue";
import { History } from "../resources/History";
import { useTicketDetail, useTicketWrites, type LoadedTicket } from "./api";
import { Composer, type ComposerMode } from "./Composer";
import { Conversation } from "./Conversation";
import { EditableText } from "./EditableText";
import { MergeNotices, TicketEvents } from "./Family";
import { Feedback } from "./Feedback";
import { MergeButton } from "./Merge";
import { readTicket } from "./model";
import { Properties } from "./Properties";
import { TicketDetails, useBehaviours } from "./TicketFields";
import { Transitions } from "./Transitions";

const NOTICE_MS = 8000;

function Loaded({ routeId, detail }: { routeId: string; detail: LoadedTicket }) {
  const meta = useResourceMeta("incident");
  const ticket = useMemo(() => readTicket(detail), [detail]);
  const { user } = useSession();
  const writes = useTicketWrites(routeId, ticket.id);
  const wide = useMediaQuery("(min-width:1000px)", { noSsr: true });
  const [params, setParams] = useSearchParams();
  const [mode, setMode] = useState<ComposerMode>("reply");
  const [focusKey, setFocusKey] = useState(0);
  const [editing, setEditing] = useState<"summary" | "description">();
  const [changedBy, setChangedBy] = useState<string>();
  const transitionRow = useRef<HTMLDivElement>(null);
  const assignee = useRef<HTMLInputElement>(null);
  const mayEdit = allows(meta, "edit");
  const isRequester = user.kind === "requester";
  const behaviours = useBehaviours(ticket.status?.name);
  const mayWrite = (name: string) => mayEdit && !["read_only", "hidden"].includes(behaviours[name] ?? "");
  useTitle(`${ticket.displayId} ${ticket.summary}`);

  useEffect(() => {
    rememberRecent(user.profile_id, { resource: "incident", id: ticket.displayId || ticket.id, title: `${ticket.displayId} ${ticket.summary}` });
  }, [user.profile_id, ticket.displayId, ticket.id, ticket.summary]);

  useLive("change", (change) => {
    if (change.resource !== "incident" || ![ticket.id, ticket.displayId].includes(String(change.id))) return;
    void writes.reload();
    if (isOwn(change, user) || !change.actor) return;
    const people = [...(detail.options.users ?? []), ...(detail.options.teams ?? []).flatMap((team) => team.staffs ?? [])];
    setChangedBy(change.actor_name || people.find((person) => person.profile_id === change.actor)?.full_name || t("resources.someone"));
  });
  useEffect(() => {
    if (!changedBy) return;
    const timer = setTimeout(() => setChangedBy(undefined), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [changedBy]);

  const write = (next: ComposerMode) => {
    setParams({}, { replace: true });
    setMode(next);
    setFocusKey((before) => before + 1);
  };
  const tabs = ["conversation", "details", ...(userMay(user, "event", "view") ? ["events" as const] : []), ...(isRequester ? [] : ["activity" as const]), ...(wide ? [] : ["properties" as const])] as ("conversation" | "details" | "events" | "activity" | "properties")[];
  const tab = tabs.find((name) => name === params.get("tab")) ?? "conversation";
  const seen = useRef(new Set<string>()).current;
  seen.add(tab);
  useShortcuts(mayEdit ? {
    r: () => write("reply"),
    n: () => write("note"),
    s: () => transitionRow.current?.querySelector("button")?.focus(),
    a: () => {
      if (!wide) setParams({ tab: "properties" }, { replace: true });
      setTimeout(() => assignee.current?.focus());
    },
  } : {});

  const properties = <Properties ticket={ticket} detail={detail} writes={writes} mayEdit={mayEdit} behaviours={behaviours} assigneeRef={assignee} />;
  return (
    <Box sx={{ display: "grid", gridTemplateColumns: { xs: "minmax(0, 1fr)", md: wide ? "minmax(0, 1fr) 300px" : "minmax(0, 1fr)" }, minHeight: "calc(100dvh - 48px)" }}>
      <Box sx={{ p: { xs: 1.5, sm: 2 }, minWidth: 0 }}>
        <Breadcrumbs sx={{ fontSize: 12 }}><Link to="/incident">{meta.plural}</Link><span data-testid="display-id">{ticket.displayId}</span></Breadcrumbs>
        <Box sx={{ display: "flex", alignItems: "flex-start", gap: 1, my: 0.5 }}>
          {editing === "summary"
            ? <EditableText name="summary" value={ticket.summary} etag={detail.etag} ticketId={ticket.id} writes={writes} onClose={() => setEditing(undefined)} />
            : (
              <>
                <Typography variant="h1" sx={{ overflowWrap: "anywhere" }}>{ticket.summary}</Typography>
                {mayWrite("summary") && <IconButton aria-label={t("ticket.editSummary")} onClick={() => setEditing("summary")}><EditOutlined fontSize="inherit" /></IconButton>}
              </>
            )}
        </Box>
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1 }}>
          <Chip data-testid="status" aria-label={t("ticket.status")} variant="outlined"
            label={<ChoiceMark name={ticket.state && ticket.state !== ticket.status?.name ? `${ticket.state} / ${ticket.status?.name ?? ""}` : (ticket.status?.name ?? "")} color={ticket.status?.color} />} />
          {ticket.priority && <Chip data-testid="priority" aria-label={t("ticket.priority")} variant="outlined" label={<ChoiceMark name={ticket.priority.name} color={ticket.priority.color} />} />}
          {mayEdit && <Transitions ticket={ticket} detail={detail} writes={writes} rowRef={transitionRow} />}
          {mayEdit && <MergeButton id={ticket.id} reference={detail.incident.reference} onDone={() => void writes.reload()} />}
        </Box>
        {mayEdit && <MergeNotices id={ticket.id} reference={detail.incident.reference} onDone={() => void writes.reload()} />}
        <Box aria-live="polite">
          {changedBy && <Alert severity="info" data-testid="live-notice" sx={{ mb: 1 }} onClose={() => setChangedBy(undefined)}>{t("ticket.otherChanged", { name: changedBy })}</Alert>}
        </Box>
        <Tabs value={tab} onChange={(_, next: string) => setParams(next === "conversation" ? {} : { tab: next }, { replace: true })} variant="scrollable" sx={{ borderBottom: 1, borderColor: "divider", mb: 1.5 }}>
          {tabs.map((name) => <Tab key={name} value={name} label={t(`ticket.${name}`)} />)}
        </Tabs>
        {/* Hidden and not removed: a text that is being written stays as it is while one looks at the activity. */}
        <Box hidden={tab !== "conversation"}>
          <Conversation ticket={ticket}
            corrections={mayEdit || isRequester ? { profileId: user.profile_id, every: allows(meta, "delete"), writes } : undefined}
            descriptionAction={mayWrite("description") && editing !== "description" ? <IconButton aria-label={`${t("common.edit")}: ${t("ticket.description")}`} onClick={() => setEditing("description")}><EditOutlined fontSize="inherit" /></IconButton> : undefined}
            description={editing === "description" ? <EditableText name="description" value={ticket.description} etag={detail.etag} ticketId={ticket.id} writes={writes} onClose={() => setEditing(undefined)} /> : undefined} />
          {(mayEdit || isRequester) && <Composer key={ticket.id} ticketId={ticket.id} publicOnly={isRequester} to={isRequester ? t("ticket.serviceDesk") : ticket.requester.name || ticket.requester.email} mode={mode} onMode={setMode} focusKey={focusKey} writes={writes} />}
          {isRequester && ["Resolved", "Closed"].includes(ticket.state) && <Feedback id={ticket.id} rating={ticket.rating} onDone={() => void writes.reload()} />}
        </Box>
        {/* Kept as well: a form that was begun is not lost to a look at the conversation. */}
        {seen.has("details") && <Box hidden={tab !== "details"}><TicketDetails ticket={ticket} detail={detail} behaviours={behaviours} mayEdit={mayEdit} onSaved={() => void writes.reload()} /></Box>}
        {tab === "events" && <TicketEvents id={ticket.id} />}
        {tab === "activity" && <History meta={meta} id={ticket.id} />}
        {tab === "properties" && properties}
      </Box>
      {wide && <Box sx={{ borderLeft: 1, borderColor: "divider", bgcolor: "background.paper", p: 2 }}><Box sx={{ position: "sticky", top: 64 }}>{properties}</Box></Box>}
    </Box>
  );
}

export default function TicketPage() {
  const { id = "" } = useParams();
  const { data, error, refetch } = useTicketDetail(id);
  if (error && !data) {
    if (error instanceof ApiError && error.status === 403) return <Forbidden name={t("ticket.conversation")} />;
    if (error instanceof ApiError && error.status === 404) return <NotFound />;
    return <Failure error={error} onRetry={() => void refetch()} />;
  }
  if (!data) return <Waiting />;
  return <Loaded key={id} routeId={id} detail={data} />;
}
