"""Tables of access. The people modules declare the resources on users and roles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, new_id, unique

STAFF, REQUESTER = "staff", "requester"
KINDS = (f.Choice(STAFF, "Staff"), f.Choice(REQUESTER, "Requester"))


class Organization(Base):
    """A tenant. ``slug`` is the host's first label."""

    __tablename__ = "organization"

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    creation_time: Mapped[datetime] = mapped_column(Timestamp)
    founded: Mapped[list[str]] = mapped_column(JsonType, default=list, server_default=text("'[]'"))
    """The features that have given it what it starts with."""


class User(Record):
    """An account. ``number`` is the documented integer ``user``; ``id`` is the ``profile_id``."""

    __tablename__ = "user"
    __table_args__ = (
        unique("user", "lower:username"),
        unique("user", "lower:email"),
        Index("uq_user_number", "number", unique=True),
    )

    number: Mapped[int] = mapped_column(Integer, info={"field": f.Field(kind="integer", label="Number", read_only=True,
                                                                        csv=False)})  # fmt: skip
    username: Mapped[str] = f.text(label="User name", search=True, unique=True, length=255, column=True,
                                   help="The name to log in with. Empty: the e-mail address.")  # fmt: skip
    email: Mapped[str] = f.email(label="E-mail", required=True, search=True, unique=True, column=True)
    full_name: Mapped[str] = f.text(label="Name", search=True, column=True, aliases=("name", "first_name"))
    kind: Mapped[str] = mapped_column(
        String(16), default=STAFF, info={"field": f.Field(kind="choice", label="Kind", read_only=True, csv=False,
                                                          choices=KINDS, default=STAFF)},
    )  # fmt: skip
    password_hash: Mapped[str] = mapped_column(String(255), default="")
    password_changed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    password_history: Mapped[list[str]] = mapped_column(JsonType, default=list)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    failed_logins: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Timestamp)
    role_ids: Mapped[list[str]] = f.references("role", label="Roles", required=True, column=True,
                                            aliases=("role", "roles"))  # fmt: skip
    is_active: Mapped[bool] = f.boolean(default=True, label="Active", column=True)
    department: Mapped[str | None] = f.reference("department", label="Department")
    phone: Mapped[str] = f.phone(label="Mobile", aliases=("contact_number",))
    landline: Mapped[str] = f.phone(label="Landline")
    designation: Mapped[str] = f.text(label="Designation")
    employee_id: Mapped[str] = f.text(label="Employee ID", length=100)
    reporting_manager: Mapped[str | None] = f.user(label="Reporting manager")
    location: Mapped[str | None] = f.reference("location", label="Location")
    expertise: Mapped[list[str]] = f.tags(label="Expertise", help="Skills used when work is assigned.")
    tags: Mapped[list[str]] = f.tags(label="Tags", help="Groups used for teams, announcements and rules.")
    timezone: Mapped[str] = f.text(label="Time zone", length=64)
    dashboard: Mapped[str] = f.text(label="Start page", length=255)
    preferences: Mapped[dict[str, Any]] = f.json(label="Preferences", listed=False)
    last_login: Mapped[datetime | None] = f.instant(label="Last log-in", read_only=True, column=True)
    avatar_color: Mapped[str] = f.color(label="Avatar colour")
    profile_image: Mapped[str] = f.text(label="Picture", length=64, read_only=True)
    is_ad: Mapped[bool] = f.boolean(label="From a directory", read_only=True)
    is_2fa_enabled: Mapped[bool] = f.boolean(label="Two-factor log-in", read_only=True)


class Role(Record):
    """A named set of privileges. ``permissions`` is ``{section: {module: {privilege: bool}}}``."""

    __tablename__ = "role"
    __table_args__ = (unique("role", "lower:role_name"),)

    role_name: Mapped[str] = f.text(label="Role", required=True, search=True, unique=True, length=150, column=True,
                                    aliases=("name",))  # fmt: skip
    description: Mapped[str] = f.text(label="Description", length=1000, column=True)
    selected_permissions: Mapped[dict[str, Any]] = f.json(label="Privileges", aliases=("permissions",))
    parent_role: Mapped[str] = f.text(label="Made from", length=250, help="The role this one was copied from.")
    group_id: Mapped[int | None] = f.integer(label="Number", read_only=True, csv=False)
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
    is_admin: Mapped[bool] = f.boolean(label="All privileges", read_only=True)
    portal_only: Mapped[bool] = f.boolean(label="Portal only")


class ApiKey(Record):
    """A key for programs. Only its hash is stored; ``prefix`` is what people recognise it by."""

    __tablename__ = "apikey"
    __table_args__ = (Index("uq_apikey_hash", "key_hash", unique=True), unique("apikey", "lower:name"))

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    prefix: Mapped[str] = f.text(label="Prefix", length=16, read_only=True, search=True, column=True)
    key_hash: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = f.reference("role", label="Role", required=True, column=True)
    acts_as: Mapped[str | None] = f.user(label="Acts as", help="The user that this key's changes are recorded for.",
                                         read_only=True)  # fmt: skip
    expires_at: Mapped[datetime | None] = f.instant(label="Expires", column=True)
    last_used_at: Mapped[datetime | None] = f.instant(label="Last used", read_only=True, column=True)
    revoked: Mapped[bool] = f.boolean(label="Revoked", read_only=True, column=True)


class Session(Scoped, Base):
    """A log-in: a console cookie or an API token. Only the secret's hash is stored."""

    __tablename__ = "auth_session"
    __table_args__ = (Index("ix_auth_session_user", "user"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf: Mapped[str] = mapped_column(String(64), default="")
    kind: Mapped[str] = mapped_column(String(16))
    user: Mapped[int] = mapped_column(Integer)
    created: Mapped[datetime] = mapped_column(Timestamp)
    last_seen: Mapped[datetime] = mapped_column(Timestamp)
    ip: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")


class LoginAttempt(Base):
    """Failures per source and per account name within a window; for lock-out and rate limit."""

    __tablename__ = "login_attempt"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    window_start: Mapped[datetime] = mapped_column(Timestamp)
    blocked_until: Mapped[datetime | None] = mapped_column(Timestamp)


class Invitation(Record):
    """An invited person's one-time link, stored as a hash."""

    __tablename__ = "invitation"
    __table_args__ = (Index("ix_invitation_token", "token_hash"),)

    email: Mapped[str] = f.email(label="E-mail", required=True, search=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    role: Mapped[str | None] = f.reference("role", label="Role")
    kind: Mapped[str] = mapped_column(String(16), default=STAFF)
    target: Mapped[str | None] = mapped_column(Identifier)
    expires_at: Mapped[datetime] = f.instant(label="Expires")
    accepted_at: Mapped[datetime | None] = f.instant(label="Accepted")
