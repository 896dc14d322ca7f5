import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useDataProvider, useNotify } from "react-admin";
import { Link, useSearchParams } from "react-router-dom";
import { api, messageOf } from "../api/http";
import { useMetadata } from "../api/metadata";
import { abilities } from "../api/permissions";
import { titleOf } from "../api/records";
import type { ResourceMeta, Row } from "../api/types";
import { Failure, Forbidden, Message, Waiting } from "../app/Messages";
import { useTitle } from "../common/hooks";
import { rolesMeta } from "../app/pages";
import { t } from "../i18n";
import { useRecord } from "../resources/RecordHead";
import { columnState, grant, grantColumn, granted, PRIVILEGES, type Matrix, type RoleSection } from "./privileges";

const matrixStyle = {
  overflowX: "auto",
  "& table": { borderCollapse: "collapse", width: "100%", maxWidth: 900 },
  "& th, & td": { borderBottom: 1, borderColor: "divider", px: 1, py: 0, height: 34, textAlign: "center" },
  "& th:first-of-type": { textAlign: "left", minWidth: 200 },
  "& thead th": { fontSize: 12, color: "text.secondary" },
  "& tbody th": { fontWeight: 400 },
  "& tr.section th": { fontWeight: 600 },
} as const;

function RoleMatrix({ meta, id, sections }: { meta: ResourceMeta; id: string; sections: RoleSection[] }) {
  const { data: role, error } = useRecord(meta.name, id);
  const client = useQueryClient();
  const notify = useNotify();
  const provider = useDataProvider();
  const [matrix, setMatrix] = useState<Matrix>({});
  const [dirty, setDirty] = useState(false);
  useEffect(() => {
    if (role && !dirty) setMatrix((role.selected_permissions as Matrix | undefined) ?? {});
  }, [role, dirty]);
  const save = useMutation({
    mutationFn: () => provider.update(meta.name, { id, data: { selected_permissions: matrix }, previousData: role, meta: { etag: role?.__etag } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [meta.name] });
      setDirty(false);
      notify(t("admin.rolesSaved", { name: role ? titleOf(role, meta) : "" }), { type: "success" });
    },
    onError: (cause) => notify(messageOf(cause), { type: "error" }),
  });
  if (error && !role) return <Failure error={error} />;
  if (!role) return <Waiting />;
  const mayEdit = abilities(meta).edit && role.is_system !== true;
  const change = (next: Matrix) => {
    setMatrix(next);
    setDirty(true);
  };
  return (
    <Box sx={{ minWidth: 0 }}>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", mb: 1 }}>
        <Typography variant="h2" sx={{ flex: 1 }}><Link to={`/${meta.name}/${encodeURIComponent(id)}`}>{titleOf(role, meta)}</Link></Typography>
        {dirty && <Typography color="text.secondary">{t("admin.unsaved")}</Typography>}
        {mayEdit && <Button variant="contained" disabled={!dirty || save.isPending} onClick={() => save.mutate()}>{t("common.save")}</Button>}
      </Box>
      {!mayEdit && <Alert severity="info" sx={{ mb: 1 }}>{t("admin.rolesReadOnly")}</Alert>}
      <Box sx={matrixStyle}>
        <table aria-label={t("admin.roles")}>
          <thead><tr><th scope="col">{t("admin.module")}</th>{PRIVILEGES.map((privilege) => <th key={privilege} scope="col">{t(`admin.privileges.${privilege}`)}</th>)}</tr></thead>
          {sections.map((section) => (
            <tbody key={section.name}>
              <tr className="section">
                <th scope="rowgroup">{section.label ?? section.name}</th>
                {PRIVILEGES.map((privilege) => {
                  if (!section.modules.some((module) => module.privileges.includes(privilege))) return <td key={privilege} />;
                  const state = columnState(matrix, section, privilege);
                  return (
                    <td key={privilege}>
                      <Checkbox disabled={!mayEdit} checked={state === "all"} indeterminate={state === "some"} onChange={() => change(grantColumn(matrix, section, privilege, state !== "all"))}
                        slotProps={{ input: { "aria-label": t("admin.allIn", { section: section.label ?? section.name, privilege: t(`admin.privileges.${privilege}`) }) } }} />
                    </td>
                  );
                })}
              </tr>
              {section.modules.map((module) => (
                <tr key={module.name}>
                  <th scope="row">{module.label}</th>
                  {PRIVILEGES.map((privilege) => (
                    <td key={privilege}>
                      {module.privileges.includes(privilege) && (
                        <Checkbox disabled={!mayEdit} checked={granted(matrix, section.name, module.name, privilege)} onChange={(event) => change(grant(matrix, section.name, module.name, privilege, event.target.checked))}
                          slotProps={{ input: { "aria-label": `${module.label}: ${t(`admin.privileges.${privilege}`)}` } }} />
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      </Box>
    </Box>
  );
}

function Roles({ meta }: { meta: ResourceMeta }) {
  const provider = useDataProvider();
  const [params, setParams] = useSearchParams();
  const chosen = params.get("role");
  const { data: roles, error } = useQuery({
    queryKey: [meta.name, "getList", "matrix"],
    queryFn: () => provider.getList<Row>(meta.name, { pagination: { page: 1, perPage: 100 }, sort: { field: "id", order: "ASC" }, filter: {} }),
  });
  const { data: config, error: configError } = useQuery({ queryKey: ["role-config"], queryFn: () => api<{ sections: RoleSection[] }>(`${meta.path}config/`), staleTime: Infinity });
  if (error ?? configError) return <Failure error={error ?? configError} />;
  if (!roles || !config) return <Waiting />;
  return (
    <Box sx={{ p: { xs: 1.5, sm: 2 } }}>
      <Box sx={{ display: "flex", gap: 1, alignItems: "center", mb: 2 }}>
        <Typography variant="h1" sx={{ flex: 1 }}>{t("admin.roles")}</Typography>
        {abilities(meta).create && <Button variant="outlined" component={Link} to={`/${meta.name}/create`}>{t("admin.newRole")}</Button>}
      </Box>
      <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: { xs: "minmax(0,1fr)", md: "220px minmax(0,1fr)" }, alignItems: "start" }}>
        <Box component="nav" aria-label={t("admin.role")} sx={{ display: "flex", flexDirection: { xs: "row", md: "column" }, flexWrap: "wrap", gap: 0.5 }}>
          {roles.data.map((role) => (
            <Button key={role.id} color="inherit" variant={String(role.id) === chosen ? "outlined" : "text"} aria-current={String(role.id) === chosen ? "true" : undefined} sx={{ justifyContent: "flex-start" }}
              onClick={() => setParams({ role: String(role.id) }, { replace: true })}>{titleOf(role, meta)}</Button>
          ))}
        </Box>
        {chosen ? <RoleMatrix key={chosen} meta={meta} id={chosen} sections={config.sections} /> : <Message title={t("admin.chooseRole")} />}
      </Box>
    </Box>
  );
}

export default function RolesPage() {
  const meta = rolesMeta(useMetadata().byName);
  useTitle(t("admin.roles"));
  return meta ? <Roles meta={meta} /> : <Forbidden name={t("admin.roles")} />;
}
