import { QueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, type ComponentType, type ReactNode } from "react";
import { CoreAdminContext, localStorageStore, Notification, ResourceContextProvider } from "react-admin";
import { Navigate, Route, Routes, useParams } from "react-router-dom";
import { createDataProvider } from "../api/dataProvider";
import { ApiError } from "../api/http";
import { LiveProvider } from "../api/live";
import { MetadataProvider, useMetadata } from "../api/metadata";
import { createAuthProvider, useSession } from "../api/session";
import type { Metadata } from "../api/types";
import { Home } from "../home/Home";
import { i18nProvider } from "../i18n";
import { ResourceList } from "../resources/ResourceList";
import { flatRecord } from "../ticket/model";
import { Layout } from "./Layout";
import { isTasks, LIST_PAGES } from "./pages";
import { Forbidden, NotFound, Waiting } from "./Messages";

const CreatePage = lazy(() => import("../resources/CreatePage"));
const RecordPage = lazy(() => import("../resources/RecordPage"));
const ImportWizard = lazy(() => import("../imports/ImportWizard"));
const TaskPage = lazy(() => import("../imports/TaskPage"));
const TicketPage = lazy(() => import("../ticket/TicketPage"));
const NewTicket = lazy(() => import("../ticket/NewTicket"));
const ProfilePage = lazy(() => import("../account/ProfilePage"));
const ApiKeysPage = lazy(() => import("../admin/ApiKeysPage"));
const RolesPage = lazy(() => import("../admin/RolesPage"));
const EventsConsole = lazy(() => import("../events/EventsConsole"));
const EventPage = lazy(() => import("../events/EventPage"));
const LogExplorer = lazy(() => import("../logs/LogExplorer"));
const IntakePage = lazy(() => import("../logs/IntakePage"));
const TemplatesLog = lazy(() => import("../logs/TemplatesPage"));
const NewLogAgent = lazy(() => import("../logs/AgentConfig"));
const NewChannel = lazy(() => import("../notify/Signing"));
const GrokPage = lazy(() => import("../pipeline/GrokPage"));
const NewGrok = lazy(() => import("../pipeline/GrokPage").then((page) => ({ default: page.NewGrok })));
const PipelinePage = lazy(() => import("../pipeline/PipelinePage"));
const NewPipeline = lazy(() => import("../pipeline/PipelinePage").then((page) => ({ default: page.NewPipeline })));
const MibExplorer = lazy(() => import("../mibs/MibExplorer"));
const JobsPage = lazy(() => import("../jobs/JobsPage"));
const TrapsPage = lazy(() => import("../traps/TrapsPage"));
const AssetPage = lazy(() => import("../assets/AssetPage"));
const NetworkMapPage = lazy(() => import("../topology/NetworkMapPage"));
const MapPage = lazy(() => import("../assets/MapPage"));
const NewCollector = lazy(() => import("../collectors/NewCollector"));
const RulesPage = lazy(() => import("../rules/RulesPage"));
const TemplatesPage = lazy(() => import("../templates/TemplatesPage"));
const DiscoveryPage = lazy(() => import("../discovery/DiscoveryPage"));
const NewDiscovery = lazy(() => import("../discovery/NewDiscovery"));
const SettingsPage = lazy(() => import("../admin/SettingsPage"));

/** A page about a resource that the caller may not see says so. */
function Needs({ name, children }: { name: string; children: ReactNode }) {
  return useMetadata().byName.has(name) ? children : <Forbidden name={name} />;
}

/** Pages made by hand for one resource, by the page its metadata names, else its own name; every other resource has the generic ones. */
const PAGES: Record<string, { list?: ComponentType; record?: ComponentType; create?: ComponentType }> = {
  incident: { record: TicketPage, create: NewTicket },
  event: { list: EventsConsole, record: EventPage },
  ci: { record: AssetPage },
  device_template: { list: TemplatesPage },
  event_rule: { list: RulesPage },
  // A MIB is uploaded, not typed.
  mib: { create: () => <Navigate to="/mibs?upload=1" replace /> },
  log_grok_pattern: { record: GrokPage, create: NewGrok },
  // Their tokens and secrets are shown once, when they are added.
  collector: { create: NewCollector },
  log_agent_config: { create: NewLogAgent },
  notification_channel: { create: NewChannel },
  log_pipeline: { record: PipelinePage, create: NewPipeline },
  discovery: { record: DiscoveryPage, create: NewDiscovery },
};

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      },
    },
  });
}

function ResourceRoutes() {
  const { resource = "" } = useParams();
  const { byName, metadata } = useMetadata();
  const meta = byName.get(resource);
  if (!meta) return metadata.hidden.includes(resource) ? <Forbidden name={resource} /> : <NotFound />;
  const page = PAGES[meta.page ?? meta.name];
  const Record = page?.record ?? (isTasks(meta) ? TaskPage : RecordPage);
  const listPage = meta.page ? LIST_PAGES[meta.page] : undefined;
  const Create = page?.create ?? CreatePage;
  const List = page?.list ?? ResourceList;
  return (
    // The key takes the page down when the resource changes, so that no state leaks from one list to another.
    <ResourceContextProvider value={resource} key={resource}>
      <Routes>
        <Route index element={listPage ? <Navigate to={listPage} replace /> : <List />} />
        <Route path="create" element={<Create />} />
        <Route path="import" element={<ImportWizard />} />
        <Route path=":id" element={<Record />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
    </ResourceContextProvider>
  );
}

export default function AdminApp({ metadata }: { metadata: Metadata }) {
  const session = useSession();
  const byName = useMemo(() => new Map(metadata.resources.map((resource) => [resource.name, resource])), [metadata]);
  const queryClient = useMemo(createQueryClient, []);
  const dataProvider = useMemo(() => createDataProvider(byName, { incident: flatRecord }), [byName]);
  const store = useMemo(() => localStorageStore("1", "mainstay"), []);
  const authProvider = useMemo(() => createAuthProvider(session.user, byName, session.signOut), [session, byName]);
  return (
    <CoreAdminContext dataProvider={dataProvider} authProvider={authProvider} i18nProvider={i18nProvider} store={store} queryClient={queryClient}>
      <MetadataProvider metadata={metadata}>
        <LiveProvider>
          <Layout>
            <Suspense fallback={<Waiting />}>
              <Routes>
                <Route index element={<Home />} />
                <Route path="login" element={<Navigate to="/" replace />} />
                <Route path="me" element={<ProfilePage />} />
                <Route path="admin/keys" element={<ApiKeysPage />} />
                <Route path="admin/roles" element={<RolesPage />} />
                <Route path="admin/settings" element={<SettingsPage />} />
                <Route path="logs/search" element={<LogExplorer />} />
                <Route path="logs/intake" element={<IntakePage />} />
                <Route path="logs/templates" element={<TemplatesLog />} />
                <Route path="monitoring/map" element={<Needs name="ci"><NetworkMapPage /></Needs>} />
                <Route path="assets/map" element={<Needs name="ci"><MapPage /></Needs>} />
                <Route path="mibs" element={<Needs name="mib"><MibExplorer /></Needs>} />
                <Route path="monitoring/jobs" element={<JobsPage />} />
                <Route path="traps" element={<TrapsPage />} />
                <Route path=":resource/*" element={<ResourceRoutes />} />
              </Routes>
            </Suspense>
          </Layout>
          <Notification autoHideDuration={4000} />
        </LiveProvider>
      </MetadataProvider>
    </CoreAdminContext>
  );
}
