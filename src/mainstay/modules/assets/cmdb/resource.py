"""The Cmdb module of the API: configuration items. Further operations are added by the files beside this one."""

from __future__ import annotations

from mainstay.kernel.resource import Resource
from mainstay.modules.assets.cmdb.behaviour import Items
from mainstay.modules.assets.cmdb.tables import Ci

PATH = "/ux/common/cmdb/profile/"

items = Resource(
    Ci,
    module="Cmdb",
    path=PATH,
    label="Item",
    title="name",
    area="assets",
    section="Assets",
    permission="asset",
    permission_label="Assets",
    privileges=("view", "add", "edit", "delete", "execute", "export", "approve"),
    id_name="ci_id",
    mirrors={"ci_name": "name", "cmdb_class": "category"},
    verbs={"template": "download-csv-sample/", "import": ("upload-csv/", "create-csv/")},
    behaviour=Items(),
    sample={
        "name": "core-sw-01",
        "category": "Switch",
        "serial_number": "FCW2140L0GH",
        "manufacturer": "Cisco",
        "model": "C9300-48P",
        "ip_address": "192.0.2.10",
        "status": "In Use",
        "criticality": "Critical",
        "location": "Head office",
        "custom_field_data": {"port_count": 48},
    },
)
