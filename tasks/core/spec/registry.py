"""The registry of tab types: the one place to add a type.

A tab type says how a tab is recognised (its columns under all their names), what makes a row unique, what its cells
refer to, and how its rows become tickets.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from db.enums import EntityGroup
from tasks.core.errors import UserFixable
from tasks.core.spec.names import header_key
from tasks.core.spec.tab_type import Column, Granularity, Lookup, Reference, TabType
from tasks.core.spec.tab_type import named_column as _column

BOOKKEEPING_COLUMNS = (
    _column("id"),
    _column("x"),
    _column("dev"),
    _column("qa"),
)
_MACHINE = _column("machine_name", "Machine Name", "Machine-name", "System name", "Machine id")
_DESCRIPTION = _column("description", "Desc.", "Descr", "Purpose")
_NOTES = _column("notes", "Settings/notes", "Note", "Settings", "Comment", "Notes/settings", "Comments",
                 "Additional notes", "Remarks")  # fmt: skip
_TRANSLATABLE = _column("translatable", "Trns.", "Transl.", "Translate", "Translation")
_WITH_PARENT = (Granularity.WITH_PARENT, Granularity.APART, Granularity.ROW)


def _tab(name: str, title: str, subject: str, *columns: Column, **rest: object) -> TabType:
    return TabType(name, title, subject, (*BOOKKEEPING_COLUMNS, *columns), **rest)  # type: ignore[arg-type]


TAB_TYPES: tuple[TabType, ...] = (
    _tab(
        "bundles", "Bundles", "bundle",
        _column("name", "Bundle name", "Bundle", "Bundle label", "Label", "Title", "Content type", "Content type name",
                "Paragraph type", "Paragraph", "Media type", "Vocabulary", "Vocabulary name", "Taxonomy", "Block type",
                "Custom block type"), _MACHINE, _DESCRIPTION,
        _column("moderation", "Mod.", "Moderated", "Content moderation", "Workflow"),
        _column("layout", "Layout builder", "Lay.", "LB"), _TRANSLATABLE,
        _column("migrated", "Migr.", "Migrate", "Migration"),
        _column("comments", "Cmnt.", "Cmnts.", "Comment"),
        _column("metatags", "Meta", "Meta tags", "Metatag"),
        _column("scheduling", "Sched.", "Scheduled", "Scheduler"),
        _column("search", "Srch.", "Search index", "Searchable", "Indexed"),
        _column("type", "Entity type", "Bundle type", "Entity"),
        _column("url_alias", "URL alias pattern", "URL pattern", "Path pattern", "URL alias", "Pathauto pattern"),
        _column("revisions", "Rev.", "Revision"), _column("sitemap", "XML sitemap", "Site."), _NOTES,
        kind="bundle", label="name", key=("type", "machine_name"), needs=(("name",), ("machine_name",), ("type",)),
        telling=frozenset({"moderation", "layout", "migrated", "comments", "metatags", "scheduling", "search",
                           "url_alias", "sitemap"}),
        file_words=("bundles", "bundle", "content types", "entity types", "content model", "paragraphs",
                    "paragraph types", "media types", "vocabularies", "taxonomies", "block types"),
        group=EntityGroup.CONTENT, kind_column="type", qualifier="type",
        group_by=("type",), machine_name_length=32,
    ),
    _tab(
        "fields", "Fields", "field",
        _column("bundle", "Bundle name", "Bundle label", "Content type", "Entity bundle", "Paragraph type", "Paragraph",
                "Vocabulary", "Taxonomy", "Media type", "Block type", "Custom block type"),
        _column("type", "Entity type", "Bundle type", "Entity"),
        _column("field_label", "Field name", "Field", "Label", "Name", "Field title"), _MACHINE,
        _column("reused", "Reused Field", "Reuse", "Re-used", "Existing field"),
        _column("field_group", "Group", "Fieldset", "Tab"),
        _column("field_type", "Data type", "Field data type"),
        _column("ref_bundle", "Ref. bundle", "Reference bundle", "Referenced bundle", "Ref bundles",
                "Referenced bundles", "References", "Target bundle", "Target bundles", "Reference"),
        _column("required", "Req'd", "Req.", "Mandatory"),
        _column("values", "Vals.", "Cardinality", "Number of values", "Allowed number of values", "Card.", "No."),
        _column("widget", "Form widget", "Field widget"), _TRANSLATABLE, _NOTES,
        _column("help_text", "Help", "Field help text", "Help / description", "Description"),
        _column("bundle_machine_name", "Bundle id", "Bundle machine-name"),
        _column("default_value", "Default"),
        kind="fields", label="field_label", key=("bundle", "machine_name"),
        needs=(("bundle", "bundle_machine_name"), ("field_label", "machine_name"), ("field_type", "widget")),
        telling=frozenset({"field_type", "widget", "ref_bundle", "values", "help_text", "reused", "field_group"}),
        file_words=("fields", "field"), group=EntityGroup.CONTENT,
        references=(Reference("bundle", "bundles", beside="type", parent=True),
                    Reference("ref_bundle", "bundles", many=True)),
        lookups=(Lookup("bundle_machine_name", "bundle"),),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("bundle",), machine_name_length=32,
    ),
    _tab(
        "view_modes", "Custom view modes", "view mode",
        _column("view_mode", "View Modes", "View mode name", "Name", "Label"),
        _column("entity_type", "Entity", "Type"),
        _column("used_on", "Entities Used On", "Used on bundles", "Bundles", "Entities"), _MACHINE, _DESCRIPTION,
        _NOTES, _column("format", "Formats", "Display format"),
        kind="view_modes",
        label="view_mode", key=("entity_type", "view_mode"), needs=(("view_mode",), ("entity_type",)),
        telling=frozenset({"view_mode", "used_on"}),
        file_words=("view modes", "viewmodes", "view mode", "display modes"),
        group=EntityGroup.CONTENT, kind_column="entity_type",
        granularity=Granularity.GROUP, group_by=("entity_type",),
    ),
    _tab(
        "view_displays", "Views displays", "view display",
        _column("view", "View name", "Views"),
        _column("title", "Display title", "Display", "Display name", "Name", "Label"),
        _MACHINE, _column("display_plugin", "Plugin", "Display type", "Display plugin id"), _DESCRIPTION, _NOTES,
        _column("view_id", "View machine name"), _column("path", "URL", "Path/URL"),
        kind="view", label="title", key=("view", "machine_name"),
        needs=(("view", "view_id"), ("title", "machine_name"), ("display_plugin",)),
        telling=frozenset({"display_plugin", "view_id"}),
        file_words=("views displays", "view displays", "viewsdisplays", "displays"), group=EntityGroup.VIEWS,
        references=(Reference("view", "views", parent=True),), lookups=(Lookup("view_id", "view"),),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("view",),
    ),
    _tab(
        "views", "Views", "view",
        _column("name", "View name", "View", "Label", "Title"), _MACHINE, _column("base_table", "Base", "Show"),
        _column("status", "Enabled"), _DESCRIPTION, _NOTES,
        kind="view", label="name", key=("machine_name",), needs=(("name",), ("machine_name",), ("base_table",)),
        telling=frozenset({"base_table"}), file_words=("views", "view"), group=EntityGroup.VIEWS,
    ),
    _tab(
        "responsive_image_styles", "Responsive image styles", "responsive image style",
        _column("style_name", "Responsive style", "Responsive image style", "Name", "Label"), _MACHINE,
        _column("breakpoint_group", "Breakpoints group"), _column("breakpoints", "Breakpoints Used", "Breakpoint"),
        _column("fallback_style", "Fallback", "Fallback image style"),
        _column("style_groups", "Image Style Group(s)", "Image style group", "Style group(s)", "Image styles"), _NOTES,
        _column("fallback_machine_name"),
        kind="responsive_style", label="style_name", key=("machine_name",),
        needs=(("style_name",), ("machine_name",),
               ("breakpoint_group", "breakpoints", "fallback_style", "style_groups")),
        telling=frozenset({"breakpoint_group", "breakpoints", "fallback_style", "style_groups"}),
        file_words=("responsive image styles", "responsive styles", "responsive imagestyles"), group=EntityGroup.MEDIA,
        references=(
            Reference("fallback_style", "image_styles"),
            Reference("style_groups", "image_styles", many=True, family=True),
        ),
        lookups=(Lookup("fallback_machine_name", "fallback_style"),),
    ),
    _tab(
        "image_effects", "Image effects", "image effect",
        _column("image_style", "Style name", "Style"), _column("effect", "Image effect"),
        _column("summary", "Effect summary", "Configuration", "Description"), _NOTES, _column("weight", "Order"),
        kind="image_style",
        label="effect", key=("image_style", "effect", "summary"), needs=(("image_style",), ("effect",)),
        telling=frozenset({"effect"}), file_words=("image effects", "imageeffects", "effects"), group=EntityGroup.MEDIA,
        references=(Reference("image_style", "image_styles", parent=True),),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("image_style",),
    ),
    _tab(
        "image_styles", "Image styles", "image style",
        _column("style_name", "Image style name", "Image style", "Style", "Name", "Label"), _MACHINE,
        _DESCRIPTION, _NOTES, _column("dimensions", "Size"), _column("effects"),
        kind="image_style", label="style_name", key=("machine_name",), needs=(("style_name",), ("machine_name",)),
        file_words=("image styles", "imagestyles"), group=EntityGroup.MEDIA,
        granularity=Granularity.GROUP,
    ),
    _tab(
        "workflow_transitions", "Workflow transitions", "workflow transition",
        _column("workflow", "Workflow name"), _column("label", "Transition", "Name", "Title"), _MACHINE,
        _column("from_state", "From", "From states", "From state(s)"), _column("to_state", "To"), _DESCRIPTION, _NOTES,
        kind="workflow", label="label", key=("workflow", "machine_name", "from_state"),
        needs=(("workflow",), ("from_state",), ("to_state",)), telling=frozenset({"from_state", "to_state"}),
        file_words=("workflow transitions", "workflowtransitions", "transitions"), group=EntityGroup.WORKFLOW,
        references=(
            Reference("workflow", "workflows", parent=True),
            Reference("from_state", "workflow_states", many=True, beside="workflow"),
            Reference("to_state", "workflow_states", beside="workflow"),
        ),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("workflow",),
    ),
    _tab(
        "workflow_states", "Workflow states", "workflow state",
        _column("workflow", "Workflow name"), _column("label", "State", "Name", "Title"), _MACHINE,
        _column("published", "Published state"), _column("default_revision", "Default"), _DESCRIPTION, _NOTES,
        kind="workflow", label="label", key=("workflow", "machine_name"), needs=(("workflow",), ("label",)),
        telling=frozenset({"workflow"}), file_words=("workflow states", "workflowstates", "states"),
        group=EntityGroup.WORKFLOW, qualifier="workflow",
        references=(Reference("workflow", "workflows", parent=True),),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("workflow",),
    ),
    _tab(
        "workflows", "Workflows", "workflow",
        _column("label", "Workflow name", "Workflow", "Name", "Title"), _MACHINE, _column("type", "Workflow type"),
        _DESCRIPTION, _NOTES,
        kind="workflow", label="label", key=("machine_name",), needs=(("label",), ("machine_name",), ("type",)),
        file_words=("workflows", "workflow"), group=EntityGroup.WORKFLOW,
    ),
    _tab(
        "user_roles", "User roles", "user role",
        _column("name", "Role name", "Role", "User role", "Label", "Title"), _MACHINE, _DESCRIPTION, _NOTES,
        _column("permissions"), _column("is_admin", "Admin"),
        kind="role", label="name", key=("machine_name",), needs=(("name",), ("machine_name",)),
        file_words=("user roles", "userroles", "roles"), group=EntityGroup.USER_ROLES,
        of_core=frozenset({"anonymous", "authenticated", "administrator", "content_editor"}),
    ),
    _tab(
        "menus", "Menus", "menu",
        _column("name", "Menu name", "Menu", "Title", "Label"), _MACHINE, _DESCRIPTION, _NOTES,
        kind="menu", label="name", key=("machine_name",), needs=(("name",), ("machine_name",)),
        file_words=("menus", "menu"), group=EntityGroup.CONTENT,
        of_core=frozenset({"main", "footer", "admin", "tools", "account"}),
        machine_name=r"a-z0-9_\-",
    ),
    _tab(
        "migration_mappings", "Migration mappings", "migration mapping",
        _column("migration", "Migration name", "Migration ID"),
        _column("source", "Source field", "Source column", "Old field", "From"),
        _column("destination", "Destination field", "Target", "Target field", "New field", "To"),
        _column("process", "Process plugin", "Transformation"), _DESCRIPTION, _NOTES,
        kind="migration",
        label="source", key=("migration", "source", "destination"), needs=(("source",), ("destination",)),
        telling=frozenset({"source", "destination", "process"}),
        file_words=("migration mappings", "migration mapping", "mappings", "mapping"), free_form=True,
        group=EntityGroup.MIGRATION,
        references=(Reference("migration", "migrations", parent=True),),
        granularity=Granularity.WITH_PARENT, switches=_WITH_PARENT, group_by=("migration",),
    ),
    _tab(
        "migrations", "Migrations", "migration",
        _column("name", "Migration", "Migration name", "Label", "Title"), _MACHINE,
        _column("source", "Source type", "Source table", "Source plugin", "Source content", "Source bundle"),
        _column("destination", "Destination type", "Destination bundle", "Target", "Target bundle"),
        _DESCRIPTION, _NOTES,
        _column("dependencies", "Depends on"),
        kind="migration", label="name", key=("name", "machine_name"), needs=(("name",), ("source", "destination")),
        telling=frozenset({"source", "destination"}),
        file_words=("migrations", "migration"), free_form=True, group=EntityGroup.MIGRATION,
    ),
    _tab(
        "settings", "Settings", "setting",
        _column("name", "Setting name", "Setting", "Configuration", "Label", "Title"),
        _column("value", "Setting value", "Values"),
        _column("path", "URL", "Admin path"), _column("module"), _DESCRIPTION, _NOTES, _MACHINE,
        kind="setting", label="name", key=("name",), needs=(("name",), ("value",)), telling=frozenset({"value"}),
        file_words=("settings", "configuration", "site settings"), free_form=True, group=EntityGroup.CUSTOM,
        granularity=Granularity.GROUP,
    ),
    _tab(
        "custom", "Custom tab", "item",
        _column("name", "Label", "Title", "Item"), _MACHINE, _column("type"), _DESCRIPTION, _NOTES,
        label="name", key=(), needs=(), free_form=True, group=EntityGroup.CUSTOM,
    ),
)  # fmt: skip

REGISTRY: Mapping[str, TabType] = {tab.name: tab for tab in TAB_TYPES}


def tab_type(csv_type: str) -> TabType:
    """The tab type of that name; a name that nobody knows is the person's to correct.

    `custom:bundles:Used on` is a custom tab whose rows belong to the bundles that the column “Used on” names.
    """
    found = REGISTRY.get(csv_type) or _child_tab(csv_type)
    if found is None:
        raise UserFixable(
            f"There is no tab type “{csv_type}”.",
            actions=[f"Use one of: {', '.join(REGISTRY)}, or custom:PARENT:COLUMN for a tab of your own."],
            code="tab-type-unknown",
        )
    return found


def named_type(text: str) -> str:
    """The tab type that a person means: by its name, its title or a usual word for it, a custom tab's parent too."""
    kind, parent, column = (part.strip() for part in (*text.split(":", 2), "", "")[:3])
    if header_key(kind) == "custom" and parent:
        return tab_type(f"custom:{named_type(parent)}:{column}").name
    key = header_key(text)
    known = {
        header_key(name): tab.name
        for tab in TAB_TYPES
        for name in (*tab.file_words, tab.subject, tab.title, tab.name)
    }
    return tab_type(known.get(key, text)).name


@lru_cache(maxsize=256)
def _child_tab(csv_type: str) -> TabType | None:
    """A custom tab with a parent tab and the column that names it."""
    kind, parent, column = (*csv_type.split(":", 2), "", "")[:3]
    key = header_key(column)
    if kind != "custom" or parent not in REGISTRY or not key:
        return None
    custom = REGISTRY["custom"]
    return replace(
        custom,
        name=csv_type,
        columns=(Column("parent", (key,)), *custom.columns),
        needs=(("parent",),),
        group=REGISTRY[parent].group,
        references=(Reference("parent", parent, parent=True),),
        granularity=Granularity.WITH_PARENT,
        switches=_WITH_PARENT,
        group_by=("parent",),
    )


def granularity_of(csv_type: str, chosen: Mapping[str, str]) -> Granularity:
    """How rows of this type become tickets in a session that chose so.

    `fields=apart` and `bundles=apart` say the same: what belongs to bundles gets tickets of its own.
    """
    tab = tab_type(csv_type)
    for name in filter(None, (tab.name, tab.parent)):
        wanted = chosen.get(name) or chosen.get(name.removesuffix("s"))
        if wanted in tab.switches:
            return Granularity(wanted)
    return tab.granularity


def check_granularity(chosen: Mapping[str, str]) -> None:
    """Refuse a choice that no tab type knows, before anything is planned with it."""
    for name, wanted in chosen.items():
        tab = REGISTRY.get(name) or tab_type(f"{name}s")
        children = [child for child in TAB_TYPES if child.parent == tab.name]
        known = {switch for one in (tab, *children) for switch in one.switches}
        if wanted not in known:
            raise UserFixable(
                f"“{wanted}” is not a way to make tickets of {tab.title}.",
                actions=[f"Use one of: {', '.join(sorted(known))}."],
                code="granularity-unknown",
            )
